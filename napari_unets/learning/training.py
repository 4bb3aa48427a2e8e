"""Run a recipe: from a data folder to a model's folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from napari_unets.images import Stack, Statistics, compute_statistics, open_stack, prepare_plane
from napari_unets.inference import InferenceSettings, choose_device
from napari_unets.learning.checkpoint import checkpoint_beside
from napari_unets.learning.fit import FitEvent, StoppedEvent, ValidationEvent, fit
from napari_unets.learning.recipe import Recipe, RecipeError, read_recipe
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.models import Model, ModelCard, ModelExistsError, Score, TrainingRecord, save_model
from napari_unets.networks import Network

__all__ = ["SavedEvent", "run_recipe"]


@dataclass(frozen=True)
class SavedEvent:
    """The model is on disk."""

    folder: Path


@dataclass(frozen=True)
class _Data:
    stack: Stack
    annotations: npt.NDArray[np.uint8]
    statistics: Statistics


def run_recipe(
    path: Path,
    data: Path,
    output: Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    overwrite: bool = False,
    start: Model | None = None,
    device: str = "auto",
    cancel: Callable[[], bool] | None = None,
) -> Iterator[FitEvent | SavedEvent]:
    """Train a model by a recipe.

    Parameters
    ----------
    path : Path
        The recipe, a TOML file.
    data : Path
        Folder that the recipe's paths are relative to.
    output : Path
        Folder of the model to be. A checkpoint lies beside it until it is written.
    steps, minutes : optional
        Replace the recipe's length.
    resume : bool
        Go on from the checkpoint beside ``output``, if there is one.
    overwrite : bool
        Replace a model that is there.
    start : Model, optional
        Begin with its weights instead of random ones; the card names it as the parent.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    cancel : callable, optional
        Asked after every step; True ends the run. The best weights so far are saved, and the checkpoint is kept.

    Yields
    ------
    FitEvent or SavedEvent
        Steps, validations, the end of the run, and where the model was saved.

    Raises
    ------
    RecipeError
        If the recipe is not valid, or does not fit the data or the model to start from.
    ImageError
        If the data cannot be read.
    ModelExistsError
        If ``output`` exists and ``overwrite`` is False.
    """
    recipe = read_recipe(path)
    if output.exists() and not overwrite:
        raise ModelExistsError(f"{output} exists already; choose another folder, or ask to overwrite it")
    settings = _with_length(recipe.fit, steps, minutes)
    source = _open(recipe, data)
    where = choose_device(device).name
    torch.manual_seed(settings.seed)
    network = recipe.create_network()
    card = recipe.model_card(network)
    if start is not None:
        card = _start_from(start, network, card)
    checkpoint = checkpoint_beside(output)
    history: list[dict[str, float]] = []
    for event in fit(
        network,
        _sampler(recipe, source, settings),
        settings,
        validate=_validation(recipe, card, source, where),
        select=recipe.select,
        checkpoint=checkpoint,
        resume=resume,
        device=where,
        cancel=cancel,
    ):
        if isinstance(event, ValidationEvent):
            history.append({"step": event.step, **event.scores})
        yield event
        if isinstance(event, StoppedEvent):
            stopped = event
    filled = _fill(card, recipe, path, settings, stopped, history, source)
    yield SavedEvent(save_model(network.cpu(), filled, output, overwrite=overwrite))
    if stopped.finished:
        checkpoint.unlink(missing_ok=True)


def _start_from(start: Model, network: Network, card: ModelCard) -> ModelCard:
    theirs = start.card
    if (theirs.network, theirs.network_config) != (card.network, card.network_config):
        raise RecipeError(
            f"the model {theirs.name} is a {theirs.network} {theirs.network_config}, the recipe wants a "
            f"{card.network} {card.network_config}: its weights do not fit"
        )
    network.load_state_dict(start.network.state_dict())
    return card.model_copy(update={"parent": f"{theirs.name} ({str(theirs.weights_sha256)[:12]})"})


def _with_length(settings: FitSettings, steps: int | None, minutes: float | None) -> FitSettings:
    if steps is None and minutes is None:
        return settings
    return FitSettings.model_validate(settings.model_dump() | {"steps": steps, "minutes": minutes})


def _open(recipe: Recipe, data: Path) -> _Data:
    stack = open_stack(data / recipe.data.images)
    with open_stack(data / recipe.data.labels) as labels:
        if labels.shape != stack.shape[:3]:
            raise RecipeError(
                f"{data / recipe.data.labels}: the labels have the shape {labels.shape}, the images {stack.shape}"
            )
        values = np.asarray(labels)
    annotations = np.zeros(values.shape, np.uint8)
    for value, class_id in recipe.data.classes.items():
        annotations[values == value] = class_id
    if strange := [n for n in recipe.data.validation if not 0 <= n < stack.n_planes]:
        raise RecipeError(f"the recipe validates on plane {strange[0]}, but there are only {stack.n_planes}")
    how = recipe.normalisation
    luminance = stack.is_rgb and recipe.network.settings.get("in_channels", 1) == 1
    statistics = compute_statistics(stack, how.method, low=how.low, high=how.high, luminance=luminance)
    return _Data(stack, annotations, statistics)


def _sampler(recipe: Recipe, source: _Data, settings: FitSettings) -> PatchSampler:
    channels = int(recipe.network.settings.get("in_channels", 1))
    planes = [
        AnnotatedPlane(prepare_plane(source.stack.plane(i), channels, source.statistics), source.annotations[i])
        for i in range(source.stack.n_planes)
        if i not in recipe.data.validation
    ]
    if not any(plane.annotations.any() for plane in planes):
        raise RecipeError("nothing is annotated on the planes to learn from; see data.classes in the recipe")
    return PatchSampler(planes, settings.patch, settings.augment, settings.seed)


def _validation(
    recipe: Recipe, card: ModelCard, source: _Data, device: str
) -> Callable[[Network], dict[str, float]] | None:
    if not recipe.data.validation:
        return None
    held_out = {i: source.annotations[i] for i in recipe.data.validation}
    # torch: the network changes at every validation, and converting it costs more than it saves.
    settings = InferenceSettings(device=device, backend="torch")
    return HeldOutPlanes(card, source.stack, held_out, source.statistics, settings)


def _fill(
    card: ModelCard,
    recipe: Recipe,
    path: Path,
    settings: FitSettings,
    stopped: StoppedEvent,
    history: list[dict[str, float]],
    source: _Data,
) -> ModelCard:
    training = [i for i in range(len(source.annotations)) if i not in recipe.data.validation]
    record = TrainingRecord(
        recipe=path.name,
        data=f"{recipe.data.images} and {recipe.data.labels}: {len(training)} planes",
        steps=stopped.step,
        minutes=round(stopped.seconds / 60, 1),
        hardware=f"{platform.machine()}, {torch.get_num_threads()} threads",
        seed=settings.seed,
        settings=settings.model_dump(mode="json"),
        annotated_pixels={c.name: int((source.annotations[training] == c.id).sum()) for c in card.classes},
        history=history,
    )
    best = max(history, key=lambda scores: scores[recipe.select]) if history else None
    scores = []
    if best is not None:
        values = {k: v for k, v in best.items() if k != "step"}
        data = f"held out of training: planes {', '.join(map(str, recipe.data.validation))} of {recipe.data.images}"
        scores.append(Score(data=data, values=values))
    return card.model_copy(update={"training": record, "scores": scores})
