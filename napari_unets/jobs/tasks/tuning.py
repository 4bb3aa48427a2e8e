"""Fine-tune a model in the worker: the job behind the Annotate & fine-tune widget.

As `segmentation`, this module is imported by the window's process and loads no torch there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.jobs.tasks.tuning_folder import TuningFolder

if TYPE_CHECKING:
    from napari_unets.images import Stack, Statistics
    from napari_unets.learning import SparseAnnotations
    from napari_unets.models import ClassInfo, Model, ModelCard

__all__ = ["PreviewTile", "TuningEvent", "TuningPreview", "TuningScores", "TuningStep", "TuningSummary", "tune"]

_FIRST_PREVIEW_S = 5.0
_PREVIEW_EVERY_S = 4.0
#: The last one, of what is kept, may take so long.
_LAST_PREVIEW_S = 10.0
#: Previews take at most this share of the time.
_PREVIEW_SHARE = 0.2


@dataclass(frozen=True)
class TuningStep:
    """A step is done: ``done`` is the share of the run, ``seconds`` those of training over all resumes."""

    step: int
    done: float
    loss: float
    seconds: float


@dataclass(frozen=True)
class TuningScores:
    """Scores of the averaged weights on the annotations that were kept aside."""

    step: int
    scores: Mapping[str, float]
    kept: bool


@dataclass(frozen=True)
class PreviewTile:
    """Class ids uint8 ``(y, x)`` of a region."""

    y: slice
    x: slice
    ids: NDArray[np.uint8]


@dataclass(frozen=True)
class TuningPreview:
    """What the model would say now of the plane that was asked for."""

    step: int
    plane: int
    tiles: tuple[PreviewTile, ...]


@dataclass(frozen=True)
class TuningSummary:
    """The run has come to its end, or was stopped.

    Attributes
    ----------
    model : Path
        Folder of the tuned model.
    card : ModelCard
        Its card.
    step : int
        Steps done.
    finished : bool
        False if it was stopped and can be resumed.
    seconds : float
        Of training.
    diverged : bool
        Whether it ended early since the loss was no number any more; what was kept before is the model.
    """

    model: Path
    card: ModelCard
    step: int
    finished: bool
    seconds: float
    diverged: bool = False


TuningEvent = TuningStep | TuningScores | TuningPreview


def tune(
    model: str | Path,
    image: Any,
    annotations: SparseAnnotations,
    folder: str | Path,
    *,
    settings: Mapping[str, Any],
    rgb: bool | None = None,
    classes: Sequence[ClassInfo] | None = None,
    name: str | None = None,
    parent: str | None = None,
    image_name: str = "image",
    pixel_size_nm: float | None = None,
    resume: bool = False,
    device: str = "auto",
    first_preview_s: float = _FIRST_PREVIEW_S,
    cancel: Callable[[], bool] | None = None,
) -> Generator[TuningEvent, None, TuningSummary]:
    """Fine-tune a model on what is annotated of an image. A job for `Worker.submit`.

    Parameters
    ----------
    model : str or Path
        What to begin with: a name in the store, or a model's folder.
    image : array or path
        The image, or its file.
    annotations : SparseAnnotations
        What is painted.
    folder : str or Path
        Folder of this run, see `TuningFolder`: the checkpoint goes there, and the model.
    settings : mapping
        Changes of :func:`napari_unets.learning.tuning_settings`.
    rgb : bool, optional
        Whether the last axis of an array is colour.
    classes : sequence of ClassInfo, optional
        Classes of the new model, if they are more than its parent's.
    name, parent : str, optional
        Names of the new model and of its parent, for the card. A model that has the same parent comes from an earlier
        round, whose steps count as well.
    image_name : str
        The image's name, for messages and the card.
    pixel_size_nm : float, optional
        Of the pixels of an array, for the card; a file says it itself.
    resume : bool
        Go on from the folder's checkpoint.
    device : str
        Where to learn.
    first_preview_s : float
        Seconds until the first preview.
    cancel : callable, optional
        True once the job is to end; the best weights so far are then saved. Given by the worker.

    Yields
    ------
    TuningStep, TuningScores, TuningPreview

    Returns
    -------
    TuningSummary
    """
    from napari_unets.inference import keep_freed_memory
    from napari_unets.learning import AnnotatedStack, StoppedEvent, TunedEvent, iter_fine_tune, tuning_settings
    from napari_unets.learning.tuned_card import card_of_rounds
    from napari_unets.models import load_model, save_model

    keep_freed_memory()
    place = TuningFolder(folder)
    stack = _as_stack(image, rgb, image_name, pixel_size_nm)
    previewer = _Previewer(stack, place, device, first_preview_s, cancel)
    stopped: StoppedEvent | None = None
    begin_with = load_model(model)
    for event in iter_fine_tune(
        begin_with,
        [AnnotatedStack(stack, annotations)],
        tuning_settings(from_scratch=begin_with.card.is_untrained, **settings),
        classes=classes,
        name=name,
        checkpoint=place.checkpoint,
        resume=resume,
        device=device,
        cancel=cancel,
        preview=previewer,
    ):
        if isinstance(event, TunedEvent):
            tuned = event.model
        elif isinstance(event, StoppedEvent):
            stopped = event
        else:
            yield _translated(event)
    assert stopped is not None  # noqa: S101 - the generator ends with it
    card = tuned.card
    if parent is not None and begin_with.name != parent:
        card = card.model_copy(update={"parent": parent})
    if _is_round(begin_with.card, parent):
        card = card_of_rounds(card, begin_with.card)
    saved = load_model(save_model(tuned.network, card, place.model, overwrite=True))
    if (shown := previewer.last(saved)) is not None:
        yield TuningPreview(stopped.step, *shown)
    return TuningSummary(place.model, saved.card, stopped.step, stopped.finished, stopped.seconds, stopped.diverged)


def _is_round(card: ModelCard, parent: str | None) -> bool:
    """Whether a model comes from an earlier round of fine-tuning the same parent."""
    return parent is not None and card.parent is not None and card.parent.partition(" (")[0] == parent


def _as_stack(image: Any, rgb: bool | None, name: str, pixel_size_nm: float | None) -> Stack:
    from napari_unets.images import as_stack, open_stack

    if isinstance(image, str | Path):
        return open_stack(image)
    # Planes are learnt from one by one, whatever lies between them.
    size = None if pixel_size_nm is None else (pixel_size_nm,) * 3
    return as_stack(image, rgb=rgb, name=name, voxel_size_nm=size)


def _translated(event: Any) -> TuningEvent:
    """Events of the training as those of this module, which the window's process reads without torch."""
    from napari_unets.learning import PreviewEvent, StepEvent

    if isinstance(event, StepEvent):
        return TuningStep(event.step, event.done, event.loss, event.seconds)
    if isinstance(event, PreviewEvent):
        plane, tiles = event.value
        return TuningPreview(event.step, plane, tiles)
    return TuningScores(event.step, event.scores, event.kept)


class _Previewer:
    """Runs the model in the making on the plane that the window shows, every few seconds.

    Its classes are cut at the parent's threshold: the one of its own is known once the run is over, and then the plane
    is shown once more as what is kept sees it.
    """

    def __init__(
        self, stack: Stack, place: TuningFolder, device: str, first_s: float, cancel: Callable[[], bool] | None
    ) -> None:
        self._stack = stack
        self._place = place
        self._device = device
        self._cancel = cancel
        self._next = time.monotonic() + first_s
        self._statistics: Statistics | None = None

    def __call__(self, model: Model) -> tuple[int, tuple[PreviewTile, ...]] | None:
        begun = time.monotonic()
        if begun < self._next:
            return None
        shown = self._show(model, self._cancel)
        took = time.monotonic() - begun
        self._next = time.monotonic() + max(_PREVIEW_EVERY_S, took / _PREVIEW_SHARE)
        return shown

    def last(self, model: Model) -> tuple[int, tuple[PreviewTile, ...]] | None:
        """Show what is kept; after a stop, too, but for no longer than a stop may take."""
        end = time.monotonic() + _LAST_PREVIEW_S
        return self._show(model, lambda: time.monotonic() > end)

    def _show(self, model: Model, cancel: Callable[[], bool] | None) -> tuple[int, tuple[PreviewTile, ...]] | None:
        view = self._place.view()
        if view is None:
            return None
        from napari_unets.inference import Cancelled, InferenceSettings, class_ids, iter_tiles, stack_statistics

        # Torch: converting the network for another back end would take longer than running it once.
        settings = InferenceSettings(device=self._device, backend="torch")
        tiles = []
        with suppress(Cancelled):
            self._statistics = self._statistics or stack_statistics(model, self._stack, cancel=cancel)
            for event in iter_tiles(
                model,
                self._stack,
                settings=settings,
                planes=[view.plane],
                window=view.window,
                statistics=self._statistics,
                cancel=cancel,
            ):
                ids = class_ids(event.probabilities, model.card.threshold)
                tiles.append(PreviewTile(event.y, event.x, ids))
        return view.plane, tuple(tiles)
