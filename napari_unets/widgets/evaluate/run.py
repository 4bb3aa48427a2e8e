"""One evaluation, from the button to the last slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_unets.jobs import Job, Worker
from napari_unets.jobs.tasks.evaluation import Candidate, Progress, Scored, score_predictions
from napari_unets.widgets.parts.job_signals import JobSignals

__all__ = ["EvaluateRequest", "EvaluateRun"]

_LOOK_MS = 100


@dataclass(frozen=True)
class EvaluateRequest:
    """What is to be compared, and how. It holds arrays and no layers, which may be removed meanwhile.

    Attributes
    ----------
    candidates : sequence of Candidate
        The predictions.
    truth : array
        The ground truth.
    truth_name : str
        Its layer's name.
    settings : mapping
        Fields of `napari_unets.metrics.EvaluationSettings`.
    """

    candidates: Sequence[Candidate]
    truth: Any
    truth_name: str
    settings: Mapping[str, Any]


class EvaluateRun(QObject):
    """Sends a request to the worker and brings back the scores.

    Parameters
    ----------
    worker : Worker
        Does the work.
    request : EvaluateRequest
        What to compare.
    """

    #: Slices done, slices in all, seconds left (not known: None).
    progressed = Signal(int, int, object)
    #: It has come to its end, or was stopped: a list of Scored, and whether it is complete.
    ended = Signal(object, bool)
    #: It cannot begin yet: what it waits for, in words; empty once it begins.
    waiting = Signal(str)
    #: It has failed: the error.
    failed = Signal(object)

    def __init__(self, worker: Worker, request: EvaluateRequest) -> None:
        super().__init__()
        self.request = request
        self._signals = JobSignals(worker)
        self._signals.waiting.connect(self.waiting)
        self._signals.done.connect(self._done)
        self._signals.failed.connect(self._failed)
        self._last: Progress | None = None
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Begin; returns at once."""
        request = self.request
        self._job = self._signals.submit(
            score_predictions, request.candidates, request.truth, dict(request.settings), on_event=self._take
        )
        self._timer.start()

    def stop(self) -> None:
        """End after the slice at hand; the scores of what is done stay."""
        if self._job is not None:
            self._job.stop()

    def _take(self, progress: Progress) -> None:
        self._last = progress

    def _look(self) -> None:
        if (last := self._last) is not None:
            self.progressed.emit(last.done, last.total, None)

    def _done(self, results: list[Scored] | None) -> None:
        self._timer.stop()
        stopped = self._job is not None and self._job.stopped
        self.ended.emit(results or [], not stopped)

    def _failed(self, error: Exception) -> None:
        self._timer.stop()
        self.failed.emit(error)
