"""The card of a model that is fine-tuned, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_unets.learning.fit import StoppedEvent
from napari_unets.learning.preparing import PreparedStack
from napari_unets.learning.settings import FitSettings
from napari_unets.models import ClassInfo, Model, ModelCard, Score, TrainingRecord
from napari_unets.networks import Network

__all__ = ["card_to_be", "filled_card"]


def card_to_be(model: Model, network: Network, classes: Sequence[ClassInfo], name: str | None) -> ModelCard:
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
    """
    named = name or f"{model.name}-tuned"
    changes = {
        "name": named,
        "title": f"{model.card.title}, tuned",
        "network_config": network.config,
        "classes": [c.model_dump() for c in classes],
        "parent": model.name,
        "training": None,
        "scores": [],
    }
    if model.card.is_untrained:
        changes |= {"title": named, "summary": f"Tells apart {', '.join(c.name for c in classes)}"}
    return ModelCard.model_validate(model.card.model_dump() | changes)


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
