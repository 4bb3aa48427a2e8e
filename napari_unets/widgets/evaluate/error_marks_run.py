"""Mark the errors of a prediction in a layer, slice by slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal

from napari_unets.jobs import Worker
from napari_unets.jobs.tasks.error_marks import MarkedSlice, mark_errors
from napari_unets.jobs.tasks.evaluation import Candidate
from napari_unets.widgets.parts.job_run import JobRun
from napari_unets.widgets.parts.live_layers import LiveLayers
from napari_unets.widgets.parts.result_layers import ResultLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.components import ViewerModel

__all__ = ["ErrorMarksRun"]


class ErrorMarksRun(JobRun):
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

    def __init__(self, viewer: ViewerModel, worker: Worker, marks: ResultLayer) -> None:
        super().__init__(worker)
        self._marks = marks
        self._live = LiveLayers(viewer, [marks], self)
        self._last: MarkedSlice | None = None
        self._marked = 0

    def start(
        self, candidate: Candidate, truth: Any, settings: Mapping[str, Any], *, threshold: float, first: int
    ) -> None:
        """Begin; returns at once. The arguments are those of `mark_errors`."""
        self._submit(mark_errors, candidate, truth, dict(settings), threshold=threshold, first=first)

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
        super()._finish()
        self._live.finish()

    def _done(self, _result: None) -> None:
        self.ended.emit(self._marked, not self._stopped)
