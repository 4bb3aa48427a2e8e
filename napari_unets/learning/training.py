"""Run a recipe: from a data folder to a model's folder."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_unets.inference import choose_device
from napari_unets.learning.cascading import load_modules
from napari_unets.learning.checkpoint import checkpoint_beside
from napari_unets.learning.events import FitEvent, StoppedEvent
from napari_unets.learning.fit import fit
from napari_unets.learning.origin import origin_of_settings, origin_of_table
from napari_unets.learning.page_source import page_source
from napari_unets.learning.photograph_source import photograph_source
from napari_unets.learning.picture_source import picture_source
from napari_unets.learning.ranks import is_first_rank
from napari_unets.learning.recipe import (
    PagesRecipe,
    PhotographsRecipe,
    PicturesRecipe,
    Recipe,
    RecipeError,
    read_recipe,
)
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source
from napari_unets.learning.stack_source import stack_source
from napari_unets.models import Model, ModelCard, Score, TrainingRecord, load_model, save_model
from napari_unets.models.placing import check_place
from napari_unets.networks import ModularCascade, Network

__all__ = ["SavedEvent", "run_recipe"]

_SMOKE_STEPS = 4
#: Side in pixels of the patches of a smoke run, or the next one that the network takes.
_SMOKE_PATCH = 64


@dataclass(frozen=True)
class SavedEvent:
    """The model is on disk."""

    folder: Path


def run_recipe(
    path: str | Path,
    data: str | Path,
    output: str | Path,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    seed: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    start: Model | None = None,
    smoke: bool = False,
    device: str = "auto",
    cancel: Callable[[], bool] | None = None,
    protocol: str | None = None,
    network: str | None = None,
) -> Iterator[FitEvent | SavedEvent]:
    """Train a model by a recipe.

    Parameters
    ----------
    path : str or Path
        The recipe, a TOML file.
    data : str or Path
        Folder that the recipe's paths are relative to.
    output : str or Path
        Folder of the model to be. A checkpoint lies beside it until it is written.
    steps, minutes : optional
        Replace the recipe's length.
    seed : int, optional
        Replaces the recipe's seed, of the first weights, the choice of patches and their changes. Training that goes on
        from weights of the same recipe would otherwise see what they have seen already.
    resume : bool
        Go on from the checkpoint beside ``output``, if there is one. But for its card and the length, the recipe must
        be what it was.
    overwrite : bool
        Replace a model that is there.
    start : Model, optional
        Begin with its weights instead of random ones; the card names it as the parent.
    smoke : bool
        Only see that the recipe works: a few steps of small patches, scored on the first of what is held out, and no
        checkpoint.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    cancel : callable, optional
        Asked after every step; True ends the run. The best weights so far are saved, and the checkpoint is kept.
    protocol, network : str, optional
        Which of the recipe's protocols and networks, where it has several; the first ones by default.

    Yields
    ------
    FitEvent or SavedEvent
        Steps, validations, the end of the run, and where the model was saved.

    Raises
    ------
    RecipeError
        If the recipe is not valid, or does not fit the data or the model to start from.
    DatasetError, PagesError, PhotographsError, ImageError
        If the data are not there, or cannot be read.
    ModelError, NetworkSettingsError
        If a module of a cascade is not there, or does not fit.
    ModelExistsError
        If ``output`` exists and ``overwrite`` is False, or it is something else than a model.
    CheckpointError
        If the run cannot be resumed, since the recipe has changed, for instance.
    ModelFileError
        If nothing can be written there: told before anything is learnt.
    """
    path, data, output = (Path(place).expanduser() for place in (path, data, output))
    recipe = read_recipe(path, protocol=protocol, network=network)
    check_place(output, overwrite=overwrite)
    settings = _replaced(recipe.fit, steps, minutes, seed)
    where = choose_device(device).name
    torch.manual_seed(settings.seed)
    made = recipe.create_network()
    card = recipe.model_card(made)
    if start is not None:
        card = _start_from(start, made, card)
    elif recipe.network.pretrained:
        card = _start_modules(recipe, made, card)
    if smoke:
        settings = _smoke(settings, made)
    source = _open(recipe, data, card, settings, where, smoke)
    settings = _in_steps(settings, source)
    checkpoint = None if smoke else checkpoint_beside(output)
    for event in fit(
        made,
        source.sampler,
        settings,
        validate=source.validate,
        select=recipe.select,
        origin=_origin(recipe, settings, start),
        checkpoint=checkpoint,
        resume=resume,
        device=where,
        cancel=cancel,
    ):
        yield event
        if isinstance(event, StoppedEvent):
            stopped = event
    if not is_first_rank():
        return
    filled = _fill(card, path, settings, stopped, source)
    yield SavedEvent(save_model(made.cpu(), filled, output, overwrite=overwrite))
    if stopped.finished and checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


def _origin(recipe: Recipe, settings: FitSettings, start: Model | None) -> dict[str, str]:
    """All of a recipe that decides what is learnt; its card may be reworded meanwhile."""
    return {
        "select": recipe.select,
        "the model begun with": "random weights" if start is None else start.name,
        **origin_of_table(recipe.data, "data."),
        **origin_of_table(recipe.network, "network."),
        **origin_of_table(recipe.normalisation, "normalisation."),
        **origin_of_settings(settings, "fit."),
    }


def _start_from(start: Model, network: Network, card: ModelCard) -> ModelCard:
    theirs = start.card
    if (theirs.network, theirs.network_config) != (card.network, card.network_config):
        raise RecipeError(
            f"the model {theirs.name} is a {theirs.network} {theirs.network_config}, the recipe wants a "
            f"{card.network} {card.network_config}: its weights do not fit"
        )
    network.load_state_dict(start.network.state_dict())
    return card.model_copy(update={"parent": theirs.signature})


def _replaced(settings: FitSettings, steps: int | None, minutes: float | None, seed: int | None) -> FitSettings:
    changes: dict[str, Any] = {}
    if steps is not None or minutes is not None:
        changes |= {"steps": steps, "minutes": minutes, "epochs": None}
    if seed is not None:
        changes["seed"] = seed
    return FitSettings.model_validate(settings.model_dump() | changes)


def _in_steps(settings: FitSettings, source: Source) -> FitSettings:
    if settings.epochs is None:
        return settings
    assert source.samples is not None  # noqa: S101 - held by the recipe
    steps = -(-settings.epochs * source.samples // settings.batch)
    return settings.model_copy(update={"steps": steps, "epochs": None})


def _smoke(settings: FitSettings, network: Network) -> FitSettings:
    changes = {
        "steps": _SMOKE_STEPS,
        "minutes": None,
        "epochs": None,
        "batch": min(settings.batch, 2),
        "patch": min(settings.patch, network.next_valid_size(_SMOKE_PATCH)),
        "validate_every": _SMOKE_STEPS,
        "compile": False,
    }
    return settings.model_copy(update=changes)


def _open(recipe: Recipe, folder: Path, card: ModelCard, settings: FitSettings, device: str, smoke: bool) -> Source:
    data = recipe.data
    if isinstance(data, PagesRecipe):
        return page_source(recipe, data, folder, card, settings, device, smoke=smoke)
    if isinstance(data, PhotographsRecipe):
        return photograph_source(recipe, data, folder, card, settings, device, smoke=smoke)
    if isinstance(data, PicturesRecipe):
        return picture_source(recipe, data, folder, card, settings, device, smoke=smoke)
    return stack_source(recipe, data, folder, card, settings, device, smoke=smoke)


def _start_modules(recipe: Recipe, network: Network, card: ModelCard) -> ModelCard:
    """Give a cascade's modules their weights, and name them on its card."""
    assert isinstance(network, ModularCascade)  # noqa: S101 - held by the recipe
    models = [load_model(name) for name in recipe.network.pretrained]
    for model in models:
        if model.card.normalisation != recipe.normalisation:
            raise RecipeError(
                f"the module {model.name} is used to images normalised by {model.card.normalisation.method}, "
                f"the recipe has {recipe.normalisation.method}"
            )
    load_modules(network, models)
    return card.model_copy(update={"parent": ", ".join(model.card.signature for model in models)})


def _fill(
    card: ModelCard,
    path: Path,
    settings: FitSettings,
    stopped: StoppedEvent,
    source: Source,
) -> ModelCard:
    record = TrainingRecord(
        recipe=path.name,
        data=source.learnt_from,
        steps=stopped.step,
        minutes=round(stopped.seconds / 60, 1),
        hardware=f"{platform.machine()}, {torch.get_num_threads()} threads",
        seed=settings.seed,
        settings=settings.model_dump(mode="json"),
        annotated_pixels=source.annotated_pixels,
        history=stopped.history,
    )
    scores = []
    if stopped.scores:
        scores.append(Score(data=f"held out of training: {source.held_out}", values=stopped.scores))
    return card.model_copy(update={"training": record, "scores": scores})
