"""The card of a model that is fine-tuned, before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from napari_unets.images import Stack
from napari_unets.learning.events import StoppedEvent
from napari_unets.learning.preparing import PreparedStack
from napari_unets.learning.settings import FitSettings
from napari_unets.models import (
    UNSAVED,
    ClassInfo,
    Model,
    ModelCard,
    ModelCardError,
    Score,
    TrainingRecord,
    model_name,
)
from napari_unets.networks import Network

__all__ = ["card_of_rounds", "card_to_be", "filled_card"]


#: What is added to a model's title, once.
_TUNED = ", tuned"


def card_to_be(
    model: Model, network: Network, classes: Sequence[ClassInfo], name: str | None, stacks: Sequence[Stack]
) -> ModelCard:
    """Make the card of what a model is to become; training and scores are still to be filled in.

    Parameters
    ----------
    model : Model
        The parent.
    network : Network
        Its copy, with as many outputs as the classes need.
    classes : sequence of ClassInfo
        Of the new model.
    name : str or None
        Of the new model; the parent's with ``-tuned`` if not given.
    stacks : sequence of Stack
        What it is to learn from, unscaled: the size of its pixels will be theirs.

    Raises
    ------
    ModelCardError
        If a model cannot have this name.
    """
    named = name or f"{model.name}-tuned"
    if model_name(named) != named:
        raise ModelCardError(f"{named!r} is no name of a model; {model_name(named)!r} is one")
    changes = {
        "name": named,
        "title": model.card.title.removesuffix(_TUNED) + _TUNED,
        "network_config": network.config,
        "classes": [c.model_dump() for c in classes],
        "pixel_size_nm": _pixel_size_nm(stacks, model.card.pixel_size_nm),
        "parent": model.card.signature,
        "weights_sha256": UNSAVED,
        "training": None,
        "scores": [],
    }
    if model.card.is_untrained:
        changes |= {"title": named, "summary": f"Tells apart {', '.join(c.name for c in classes)}"}
    return ModelCard.model_validate(model.card.model_dump() | changes)


def _pixel_size_nm(stacks: Sequence[Stack], parents: float | None) -> float | None:
    """Size that the stacks' pixels have; the parent's where it is not known of all, none where they differ."""
    sizes = [size for stack in stacks if stack.voxel_size_nm is not None for size in stack.voxel_size_nm[1:]]
    if len(sizes) < 2 * len(stacks):
        return parents
    return sizes[0] if all(math.isclose(size, sizes[0], rel_tol=0.01) for size in sizes) else None


def card_of_rounds(card: ModelCard, before: ModelCard) -> ModelCard:
    """Put the rounds of fine-tuning before the last one on its card: the same parent, and all steps.

    Parameters
    ----------
    card : ModelCard
        Of the last round.
    before : ModelCard
        Of the model that it began with, which is that of the rounds before.
    """
    last, first = card.training, before.training
    if last is None or first is None:
        return card
    history = [scores | {"step": scores["step"] + first.steps} for scores in last.history]
    changes = {"steps": first.steps + last.steps, "minutes": first.minutes + last.minutes, "history": history}
    return card.model_copy(update={"parent": before.parent, "training": last.model_copy(update=changes)})


def filled_card(
    card: ModelCard,
    prepared: Sequence[PreparedStack],
    settings: FitSettings,
    stopped: StoppedEvent,
    scores: dict[str, float],
) -> ModelCard:
    """Write on the card what was learnt from, how, and how well.

    Parameters
    ----------
    card : ModelCard
        Of :func:`card_to_be`.
    prepared : sequence of PreparedStack
        What was learnt from.
    settings : FitSettings
        How.
    stopped : StoppedEvent
        The run's end.
    scores : dict of str to float
        On the annotations that were kept aside; empty without any.
    """
    names = {c.id: c.name for c in card.classes}
    pixels = dict.fromkeys(names.values(), 0)
    for one in prepared:
        for counts in one.source.counts().values():
            for class_id, count in counts.items():
                pixels[names[class_id]] += count
    record = TrainingRecord(
        data="; ".join(f"{one.source.stack.name}: {one.split.how}" for one in prepared),
        steps=stopped.step,
        minutes=round(stopped.seconds / 60, 2),
        seed=settings.seed,
        settings=settings.model_dump(mode="json"),
        annotated_pixels=pixels,
        history=stopped.history,
    )
    changes: dict[str, Any] = {"training": record}
    if scores:
        changes["scores"] = [Score(data="annotated pixels held out of training", values=scores)]
    return card.model_copy(update=changes)
