"""What the model does for somebody who paints: a first version to be corrected, and where to paint next."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_unets.errors import NapariUnetsError
from napari_unets.images.plane_names import plane_index, plane_name
from napari_unets.jobs import Job
from napari_unets.jobs.tasks.page_segmentation import segment_pages
from napari_unets.jobs.tasks.segmentation import RunSummary, Tile, segment_stack
from napari_unets.jobs.tasks.suggesting import look_for_doubt
from napari_unets.learning import best_slice
from napari_unets.widgets.annotate.annotation_layer import fill_plane, refuses_ids
from napari_unets.widgets.parts.image_source import image_source, pages_of
from napari_unets.widgets.parts.job_signals import JobSignals
from napari_unets.widgets.parts.session import shared_worker
from napari_unets.widgets.parts.slice_position import go_to_slice
from napari_unets.widgets.parts.view import current_plane, current_view
from napari_unets.widgets.parts.world import layer_to_viewer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_unets.learning import PlaneUncertainty, SparseAnnotations

__all__ = ["AnnotateActions", "LockedLabelsError"]


#: So many times the spot's height is shown around it.
_AROUND = 3
#: Side of a spot in pixels; in between, a quarter of the plane.
_SMALLEST_SPOT, _LARGEST_SPOT = 16, 96


class LockedLabelsError(NapariUnetsError):
    """Class ids are to go into labels that take none."""


class AnnotateActions(QObject):
    """Runs one of these at a time in the worker.

    Parameters
    ----------
    viewer : ViewerModel
        Is moved to what is suggested.
    """

    #: Something is going on: what, in words.
    progressed = Signal(str)
    #: It is over: what was done, in words.
    ended = Signal(str)
    #: It has failed: the error.
    failed = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._signals: JobSignals | None = None
        self._job: Job | None = None
        self._begun = ""
        self._finish: Callable[[Any], str] = str

    @property
    def is_busy(self) -> bool:
        """Whether one is going on."""
        return self._signals is not None

    def from_prediction(self, image: Image, layer: Labels, model: str | Path) -> None:
        """Segment the slice on the canvas and write that where nothing is painted."""
        if refuses_ids(layer):
            wrong = "nothing can be written into these labels, which are read from a file"
            todo = "Make new annotations for what comes from the model"
            self.failed.emit(LockedLabelsError(f"{layer.name}: {wrong}. {todo}"))
            return
        source = image_source(image)
        plane = current_plane(self._viewer, image, source.shape)
        name = plane_name(plane, source.shape[:-2])
        ids = np.zeros(source.plane_shape, np.uint8)

        def take(tile: Tile) -> None:
            ids[tile.y, tile.x] = tile.values["segmentation"]

        def finish(_summary: RunSummary) -> str:
            if layer not in self._viewer.layers:
                return "The annotations were removed meanwhile."
            if layer.data.shape != source.shape:
                return "The annotations were given another array meanwhile."
            filled = fill_plane(layer, plane, ids)
            what = "correct what is wrong, erase what is doubtful"
            return f"{filled:,} pixels of slice {name} come from the model: {what}."

        self._begin(f"Segmenting slice {name} …", finish)
        keywords = {"rgb": source.rgb, "planes": [plane], "on_event": take}
        if (pages := pages_of(image)) is not None:
            self._submit(segment_pages, model, source.data, pages, **keywords)
        else:
            self._submit(segment_stack, model, source.data, **keywords)

    def suggest(self, image: Image, annotations: SparseAnnotations, model: str | Path, *, spot: bool) -> None:
        """Move the viewer to the slice, or to the part of this slice, of which the model is least sure."""
        source = image_source(image)
        plane = current_plane(self._viewer, image, source.shape)
        self._begin("Looking where the model is unsure …", functools.partial(self._go, image, spot))
        self._submit(
            look_for_doubt,
            model,
            source.data,
            annotations,
            rgb=source.rgb,
            planes=[plane] if spot else None,
            spot=max(_SMALLEST_SPOT, min(_LARGEST_SPOT, min(source.plane_shape) // 4)),
            on_event=lambda one: self.progressed.emit(f"Looked at {one.done} of {one.total} slices"),
        )

    def cancel(self) -> None:
        """Stop what is going on."""
        if self._job is not None:
            self._job.stop()

    def _go(self, image: Image, spot: bool, found: list[PlaneUncertainty]) -> str:
        best = best_slice(found)
        if best is None:
            return "There is no other slice: all of them are annotated."
        name = plane_name(best.plane, image_source(image).shape[:-2])
        if image not in self._viewer.layers:
            return f"Slice {name} is the most doubtful."
        self._show(image, best, spot)
        if spot and best.spot is None:
            return f"Slice {name} is painted all over."
        what = f"a spot on slice {name}" if spot else f"slice {name}"
        among = "" if spot else f", the least sure of {len(found)} slices"
        return f"Paint {what}{among}: {best.spot_score if spot else best.score:.2f} bits of doubt a pixel."

    def _show(self, image: Image, best: PlaneUncertainty, spot: bool) -> None:
        index = plane_index(best.plane, image_source(image).shape[:-2])
        go_to_slice(self._viewer, image, index)
        if spot and best.spot is not None:
            rows = current_view(self._viewer, image).window[0]
            position = np.zeros(image.ndim)
            position[-len(index) - 2 :] = (*index, *((s.start + s.stop) / 2 for s in best.spot))
            camera = getattr(self._viewer, "scene", self._viewer).camera  # napari 0.9 has moved it
            camera.center = (0.0, *layer_to_viewer(self._viewer, image, position)[-2:])
            camera.zoom *= max(1.0, (rows.stop - rows.start) / (_AROUND * (best.spot[0].stop - best.spot[0].start)))

    def _begin(self, message: str, finish: Callable[[Any], str]) -> None:
        self._finish = finish
        self._signals = JobSignals(shared_worker())
        self._signals.waiting.connect(self._wait)
        self._signals.done.connect(self._done)
        self._signals.failed.connect(self._failed)
        self._begun = message
        self.progressed.emit(message)

    def _wait(self, reason: str) -> None:
        self.progressed.emit(reason or self._begun)

    def _submit(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
        assert self._signals is not None  # noqa: S101 - set by `_begin`
        self._job = self._signals.submit(function, *args, **keywords)

    def _done(self, result: Any) -> None:
        stopped = self._job is not None and self._job.stopped
        self._signals = self._job = None
        self.ended.emit("Stopped." if stopped else self._finish(result))

    def _failed(self, error: Exception) -> None:
        self._signals = self._job = None
        self.failed.emit(error)
