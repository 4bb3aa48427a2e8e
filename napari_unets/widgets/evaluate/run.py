"""One evaluation, from the button to the last slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Signal

from napari_unets.jobs import Worker
from napari_unets.jobs.tasks.evaluation import Candidate, Progress, Scored, score_predictions
from napari_unets.widgets.parts.job_run import JobRun

__all__ = ["EvaluateRequest", "EvaluateRun"]


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


class EvaluateRun(JobRun):
    """Sends a request to the worker and brings back the scores.

    Parameters
    ----------
    worker : Worker
        Does the work.
    request : EvaluateRequest
        What to compare.
    """

    #: It is about to begin with something that may take its time: what, in words.
    begun = Signal(str)
    #: Slices done, slices in all, seconds left (not known: None).
    progressed = Signal(int, int, object)
    #: It has come to its end, or was stopped: a list of Scored, and whether it is complete.
    ended = Signal(object, bool)

    def __init__(self, worker: Worker, request: EvaluateRequest) -> None:
        super().__init__(worker)
        self.request = request
        self._last: Progress | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        request = self.request
        self._submit(score_predictions, request.candidates, request.truth, dict(request.settings))

    def _take(self, progress: Progress) -> None:
        self._last = progress

    def _look(self) -> None:
        last = self._last
        if last is None:
            return
        if last.reading:
            self.begun.emit(f"Reading {self.request.truth_name} and {last.reading} …")
        elif not last.done:
            self.begun.emit("Scoring the slice …" if last.total == 1 else f"Scoring the first of {last.total} slices …")
        else:
            self.progressed.emit(last.done, last.total, None)

    def _done(self, results: list[Scored] | None) -> None:
        self.ended.emit(results or [], not self._stopped)
