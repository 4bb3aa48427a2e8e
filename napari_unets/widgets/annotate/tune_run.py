"""One fine-tuning, from the button to the tuned model."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal

from napari_unets.jobs import Worker
from napari_unets.jobs.tasks.tuning import TuningEvent, TuningPreview, TuningScores, TuningStep, TuningSummary, tune
from napari_unets.jobs.tasks.tuning_folder import TuningFolderError
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.job_run import JobRun
from napari_unets.widgets.parts.live_layers import LiveLayers
from napari_unets.widgets.parts.result_layers import is_untouched, result_layer
from napari_unets.widgets.parts.view import current_view
from napari_unets.widgets.parts.world import pixel_size_nm

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_unets.jobs.tasks.tuning_folder import TuningFolder, TuningPlan
    from napari_unets.learning import SparseAnnotations
    from napari_unets.models import ModelCard

__all__ = ["TuneRun", "preview_name"]

_LOOK_MS = 250
#: A stop waits for the step at hand, a validation and the saving of the best weights.
_GRACE_S = 120.0


class TuneRun(JobRun):
    """Sends an image and its annotations to the worker, and shows what the model in the making says.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the layer of previews.
    worker : Worker
        Does the work.
    image : Image
        The image layer. It may be renamed or removed while the run lasts.
    annotations : SparseAnnotations
        A copy of what is painted; painting goes on meanwhile.
    card : ModelCard
        Of the model to be: its name and classes.
    plan : TuningPlan
        What to do.
    folder : TuningFolder
        Where its state is kept.
    resume : bool
        Go on from that state.
    """

    #: Something is known that was not: look at `last`, `losses` and `scores`.
    progressed = Signal()
    #: It has come to its end, or was stopped: its TuningSummary, or None if it never began.
    ended = Signal(object)
    #: The worker cannot be told what to show: the error. The run goes on.
    unheard = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        worker: Worker,
        *,
        image: Image,
        annotations: SparseAnnotations,
        card: ModelCard,
        plan: TuningPlan,
        folder: TuningFolder,
        resume: bool,
    ) -> None:
        super().__init__(worker, look_ms=_LOOK_MS)
        self.folder = folder
        self.plan = plan
        self.last: TuningStep | None = None
        self.losses: list[tuple[int, float]] = []
        self.scores: list[tuple[int, float]] = []
        self.kept: int | None = None  # step of the weights that are kept
        self._viewer = viewer
        self._image = image
        self._source = image_source(image)
        self._annotations = annotations
        self._resume = resume
        shown = card.model_copy(update={"name": preview_name(card.name)})
        self._new_preview = functools.partial(result_layer, viewer, image, shown, "segmentation", {"preview": True})
        self.preview = self._new_preview()
        self._shown: set[int] = set()
        self._live = LiveLayers(viewer, [self.preview], self)
        self._news = threading.Event()
        self._asked: object = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._ask_for_preview()
        self._submit(
            tune,
            self.plan.model,
            self._source.data,
            self._annotations,
            self.folder.path,
            settings=self.plan.settings,
            rgb=self._source.rgb,
            classes=self.plan.classes,
            name=self.plan.name,
            parent=self.plan.parent,
            image_name=self.plan.image,
            pixel_size_nm=pixel_size_nm(self._image),
            resume=self._resume,
            grace_s=_GRACE_S,
        )

    @property
    def image(self) -> Image:
        """The image layer."""
        return self._image

    @property
    def all_shown(self) -> bool:
        """Whether there was a preview of every slice."""
        return len(self._shown) == len(self.preview.planes)

    def _take(self, event: TuningEvent) -> None:
        """Note what has come; in the job's thread, so that the window is not held up."""
        if isinstance(event, TuningStep):
            if self.last is None:  # steps after the checkpoint of a run that died are done again
                self.losses = [pair for pair in self.losses if pair[0] < event.step]
                self.scores = [pair for pair in self.scores if pair[0] < event.step]
            self.last = event
            self.losses.append((event.step, event.loss))
        elif isinstance(event, TuningScores):
            self.scores.append((event.step, event.scores["dice"]))
            if event.kept:
                self.kept = event.step
        elif isinstance(event, TuningPreview):
            if not is_untouched(self.preview.layer):
                return  # it is somebody's work now
            for tile in event.tiles:
                self.preview.planes[event.plane, tile.y, tile.x] = tile.ids
            self._live.wrote(event.plane)
            self._shown.add(event.plane)
        self._news.set()

    def _look(self) -> None:
        if not is_untouched(self.preview.layer) and self._image in self._viewer.layers:
            self._show_elsewhere()
        self._ask_for_preview()
        if self._news.is_set():
            self._news.clear()
            self.progressed.emit()

    def _show_elsewhere(self) -> None:
        """Go on in a layer of its own, with nothing of what the one that was painted on shows."""
        self._live.finish()
        self.preview, self._shown = self._new_preview(), set()
        self._live = LiveLayers(self._viewer, [self.preview], self)

    def _ask_for_preview(self) -> None:
        if self._image not in self._viewer.layers:
            return
        view = current_view(self._viewer, self._image)
        if (view.plane, view.window) != self._asked:
            self._asked = (view.plane, view.window)
            try:
                self.folder.ask_for(view.plane, view.window)
            except TuningFolderError as error:
                self.unheard.emit(error)

    def _finish(self) -> None:
        super()._finish()
        self._live.finish()

    def _done(self, summary: TuningSummary | None) -> None:
        self.progressed.emit()
        self.ended.emit(summary)


def preview_name(model: str) -> str:
    """Name of its own for a model's previews, so that Segment's results of it are neither written over nor removed."""
    return f"{model} preview"
