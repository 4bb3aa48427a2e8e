"""One run of a model on an image layer, from the button to the last tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from qtpy.QtCore import Signal

from napari_unets.jobs import Worker
from napari_unets.jobs.tasks.page_segmentation import segment_pages
from napari_unets.jobs.tasks.segmentation import Output, RunSummary, Tile, segment_stack
from napari_unets.jobs.worker.sent_model import sent_model
from napari_unets.models import ModelCard
from napari_unets.widgets.parts.image_source import image_source, pages_of
from napari_unets.widgets.parts.job_run import JobRun
from napari_unets.widgets.parts.live_layers import LiveLayers
from napari_unets.widgets.parts.notes import time_in_words
from napari_unets.widgets.parts.result_layers import result_layer
from napari_unets.widgets.parts.strokes import Strokes
from napari_unets.widgets.parts.view import current_view
from napari_unets.widgets.segment.known_statistics import known_statistics, remember_statistics
from napari_unets.widgets.segment.scope_choice import Scope

if TYPE_CHECKING:
    from pathlib import Path

    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_unets.inference.settings import InferenceSettings

__all__ = ["SegmentRun", "SegmentSettings"]

#: Several layers over each other are hard to read: of the new ones only the first of these is shown.
_SHOWN_FIRST: tuple[Output, ...] = ("instances", "segmentation", "probabilities")


class SegmentSettings(BaseModel):
    """How probabilities become labels.

    Attributes
    ----------
    threshold : float or None
        Class 1 is where its probability is above this; left empty, the threshold on the model's card.
    min_size : int
        Instances of fewer pixels are left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    min_size: Annotated[int, Field(ge=0, le=1_000_000)] = 64


class SegmentRun(JobRun):
    """Sends an image layer to the worker and takes the tiles that come back into the layers of results.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the layers of results, or has them from an earlier run.
    worker : Worker
        Does the work.
    image : Image
        The image layer. It may be renamed or removed while the run lasts.
    card : ModelCard
        Card of the model.
    folder : Path
        Where the model is.
    scope : str
        ``"slice"``, ``"view"`` or ``"stack"``.
    outputs : sequence of str
        ``"segmentation"``, ``"probabilities"``, ``"instances"``.
    settings, segmentation : InferenceSettings, SegmentSettings
        How to run, and how to make labels.
    """

    #: Tiles done, tiles in all, seconds left (or None).
    progressed = Signal(int, int, object)
    #: It has come to its end, or was stopped: what happened, in words, and whether it is complete.
    ended = Signal(str, bool)

    def __init__(
        self,
        viewer: ViewerModel,
        worker: Worker,
        *,
        image: Image,
        card: ModelCard,
        folder: Path,
        scope: Scope,
        outputs: Sequence[Output],
        settings: InferenceSettings,
        segmentation: SegmentSettings,
    ) -> None:
        super().__init__(worker)
        self._image = image
        self._card = card
        self._source = image_source(image)
        self._pages = pages_of(image)
        self._folder = folder
        self._scope = scope
        self._view = current_view(viewer, image)
        self._settings = settings
        self._segmentation = segmentation
        kept = {**settings.model_dump(), **segmentation.model_dump()}
        shown = min(outputs, key=_SHOWN_FIRST.index)
        self._results = {
            output: result_layer(viewer, image, card, output, kept, visible=output == shown) for output in outputs
        }
        if not any(result.layer.visible for result in self._results.values()):
            self._results[shown].layer.visible = True  # hidden since an earlier run: somebody wants to see it again
        self._planes = {output: result.planes for output, result in self._results.items()}
        self._live = LiveLayers(viewer, list(self._results.values()), self)
        self._viewer = viewer
        self._painted: set[tuple[Output, int]] = set()
        self._strokes = Strokes(self)
        self._strokes.painted.connect(self._note_painted)
        self._strokes.follow([result.layer for result in self._results.values()])
        self._elsewhere = worker.address is not None
        self._last: Tile | None = None
        self._removed = False

    def start(self) -> None:
        """Begin; returns at once."""
        view, everything = self._view, self._scope == "stack"
        model = sent_model(self._folder) if self._elsewhere else self._folder
        keywords: dict[str, Any] = {
            "rgb": self._source.rgb,
            "outputs": tuple(self._results),
            "threshold": self._segmentation.threshold,
            "min_size": self._segmentation.min_size,
            "settings": self._settings.model_dump(),
            "planes": None if everything else [view.plane],
            "window": view.window if self._scope == "view" else None,
            "focus": view.focus,
        }
        if self._pages is not None:
            self._submit(segment_pages, model, self._source.data, self._pages, **keywords)
        else:
            keywords["statistics"] = known_statistics(self._image, self._source.data, self._card)
            self._submit(segment_stack, model, self._source.data, **keywords)

    def _take(self, tile: Tile) -> None:
        """Write a tile into the layers' arrays; in the job's thread, so that the window is not held up."""
        for output, values in tile.values.items():
            result = self._results[output]
            if output == "instances":
                values = result.renumbered(values)
            region = self._planes[output][..., tile.plane, tile.y, tile.x]
            region[...] = np.where(region, region, values) if (output, tile.plane) in self._painted else values
        self._live.wrote(tile.plane)
        self._last = tile

    def _note_painted(self, layer: Labels, _value: int, planes: set[int]) -> None:
        """Leave what a plane shows to whoever paints on it: tiles that are still to come fill what is empty."""
        for output, result in self._results.items():
            if result.layer is layer:
                self._painted.update((output, plane) for plane in planes)

    def _look(self) -> None:
        if (tile := self._last) is not None:
            self.progressed.emit(tile.done, tile.total, tile.seconds_left)
        if not self._live.any_left and not self._removed:
            self._removed = True
            self.stop()

    def _finish(self) -> None:
        super()._finish()
        self._live.finish()
        self._strokes.follow([])

    def _done(self, summary: RunSummary | None) -> None:
        if summary is not None and summary.statistics is not None and self._pages is None:
            remember_statistics(self._image, self._source.data, self._card, summary.statistics)
        done, total = (self._last.done, self._last.total) if self._last is not None else (0, 0)
        if self._stopped:
            why = ": its layer was removed" if self._removed else ""
            self.ended.emit(f"Stopped{why}. {done} of {total} tiles are done." if total else f"Stopped{why}.", False)
            return
        how = f" on {summary.device} ({summary.backend}, {summary.precision})" if summary is not None else ""
        took = time_in_words(summary.seconds) if summary is not None else ""
        self.ended.emit(f"{total} {'tile' if total == 1 else 'tiles'} in {took}{how}", True)
