"""How long a step of learning takes here: asked of the worker once for each model and size of a step."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_unets.jobs import Job
from napari_unets.jobs.tasks.timing import time_a_step
from napari_unets.widgets.parts.job_signals import JobSignals
from napari_unets.widgets.parts.session import shared_worker

__all__ = ["StepClock"]

_Question = tuple[str, int, int]  # a model's folder, the side of a patch, patches a step


class StepClock(QObject):
    """Knows how long steps take, or finds it out; one question at a time."""

    #: An answer has come.
    answered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[_Question, float | None] = {}
        self._asked: _Question | None = None
        self._signals: JobSignals | None = None
        self._job: Job | None = None

    def seconds(self, model: str, *, patch: int, batch: int) -> float | None:
        """Return the seconds that a step takes, or None if that is not known (yet): it is found out then.

        Parameters
        ----------
        model : str
            The model's folder.
        patch, batch : int
            Side of the patches in pixels, and how many a step takes.
        """
        question = (model, patch, batch)
        if question not in self._known and self._asked is None:
            self._asked = question
            self._signals = JobSignals(shared_worker())
            self._signals.done.connect(self._answer)
            self._signals.failed.connect(self._fail)
            self._job = self._signals.submit(time_a_step, model, {"patch": patch, "batch": batch})
        return self._known.get(question)

    def cancel(self) -> None:
        """Ask for nothing any more: what is being found out would hold up other runs."""
        if self._job is not None:
            self._job.stop()

    def _answer(self, seconds: float | None) -> None:
        if self._asked is not None:
            self._known[self._asked] = seconds
        self._asked = self._signals = self._job = None
        self.answered.emit()

    def _fail(self, _error: Exception) -> None:
        self._answer(None)  # whatever it was, the run itself will say so
