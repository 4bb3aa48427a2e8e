"""Mark the errors of a prediction in a layer, slice by slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unets.jobs import Job, Worker
from napari_unets.jobs.tasks.error_marks import MarkedSlice, mark_errors
from napari_unets.jobs.tasks.evaluation import Candidate
from napari_unets.widgets.parts.job_signals import JobSignals
from napari_unets.widgets.parts.live_layers import LiveLayers
from napari_unets.widgets.parts.result_layers import ResultLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel

__all__ = ["ErrorMarksRun"]

_LOOK_MS = 100


class ErrorMarksRun(QObject):
    """Sends a prediction and its truth to the worker and takes the marks into a layer.

    Parameters
    ----------
    viewer : ViewerModel
        Has the layer.
    worker : Worker
        Does the work.
    marks : ResultLayer
        What to write into. If the user removes it, the run ends.
    """

    #: Slices done, slices in all, seconds left (not known: None).
    progressed = Signal(int, int, object)
    #: It has come to its end: pixels that are marked, and whether it is complete.
    ended = Signal(int, bool)
    #: It cannot begin yet: what it waits for, in words; empty once it begins.
    waiting = Signal(str)
    #: It has failed: the error.
    failed = Signal(object)

    def __init__(self, viewer: ViewerModel, worker: Worker, marks: ResultLayer) -> None:
        super().__init__()
        self._marks = marks
        self._live = LiveLayers(viewer, [marks], self)
        self._signals = JobSignals(worker)
        self._signals.waiting.connect(self.waiting)
        self._signals.done.connect(self._done)
        self._signals.failed.connect(self._failed)
        self._job: Job | None = None
        self._last: MarkedSlice | None = None
        self._marked = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)

    def start(
        self, candidate: Candidate, truth: Any, settings: Mapping[str, Any], *, threshold: float, first: int
    ) -> None:
        """Begin; returns at once. The arguments are those of `mark_errors`."""
        self._job = self._signals.submit(
            mark_errors, candidate, truth, dict(settings), threshold=threshold, first=first, on_event=self._take
        )
        self._timer.start()

    def stop(self) -> None:
        """End after the slice at hand; what is marked stays."""
        if self._job is not None:
            self._job.stop()

    def _take(self, marked: MarkedSlice) -> None:
        """Write a slice into the layer's array; in the job's thread."""
        array = self._marks.array
        array[marked.index] = marked.values
        self._marked += int(np.count_nonzero(marked.values))
        self._live.wrote(int(np.ravel_multi_index(marked.index, array.shape[:-2])) if marked.index else 0)
        self._last = marked

    def _look(self) -> None:
        if (last := self._last) is not None:
            self.progressed.emit(last.done, last.total, None)
        if not self._live.any_left:
            self.stop()

    def _finish(self) -> None:
        self._timer.stop()
        self._live.finish()

    def _done(self, _result: None) -> None:
        self._finish()
        self.ended.emit(self._marked, self._job is None or not self._job.stopped)

    def _failed(self, error: Exception) -> None:
        self._finish()
        self.failed.emit(error)
