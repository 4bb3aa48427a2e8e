"""One search for the scale at which a model wants to see an image layer, from the button to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal

from napari_unets.jobs import Worker
from napari_unets.jobs.tasks.scale_finding import look_for_scale
from napari_unets.jobs.worker.sent_model import sent_model
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.job_run import JobRun
from napari_unets.widgets.segment.known_statistics import known_statistics

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image

    from napari_unets.inference import FoundScale
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.models import ModelCard

__all__ = ["ScaleSearch"]


class ScaleSearch(JobRun):
    """Asks the worker how many times as large a model should see an image.

    Parameters
    ----------
    worker : Worker
        Looks at the image.
    image : Image
        The image layer.
    card : ModelCard
        Card of the model.
    folder : Path
        Where the model is.
    settings : InferenceSettings
        Where and how to run.
    """

    #: It is over: the scale, or None if there is none; and what there is to say, in words.
    ended = Signal(object, str)
    #: It is over: the model knows the image with bright and dark exchanged only.
    ended_exchanged = Signal()

    def __init__(
        self, worker: Worker, *, image: Image, card: ModelCard, folder: Path, settings: InferenceSettings
    ) -> None:
        super().__init__(worker)
        self._source = image_source(image)
        self._statistics = known_statistics(image, self._source.data, card)
        self._model = sent_model(folder) if worker.address is not None else folder
        self._settings = settings

    def start(self) -> None:
        """Begin; returns at once."""
        self._submit(
            look_for_scale,
            self._model,
            self._source.data,
            rgb=self._source.rgb,
            settings=self._settings.model_dump(),
            statistics=self._statistics,
        )

    def _take(self, event: object) -> None:
        """Nothing comes before the end."""

    def _look(self) -> None:
        """Nothing is to be told before the end."""

    def _done(self, found: FoundScale | None) -> None:
        if self._stopped or found is None:
            self.ended.emit(None, "Stopped; the scale is as it was.")
            return
        if not found.agreement:
            self.ended.emit(None, "The image is empty; nothing can be told from it.")
            return
        if found.invert:
            self.ended.emit(None, "Only with bright and dark exchanged does the model know such images.")
            self.ended_exchanged.emit()
            return
        if not found.is_sure:
            self.ended.emit(None, "The model may not know such images: turned, it sees something else in them.")
            return
        seen = "The image as it is" if found.scale == 1 else f"{found.scale:g} times as large"
        self.ended.emit(found.scale, f"{seen} fits best: what is found then depends least on how it is turned.")
