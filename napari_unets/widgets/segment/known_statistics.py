"""Statistics of images that a run has computed, for the next run on the same image."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unets.images import Statistics
    from napari_unets.models import ModelCard

__all__ = ["known_statistics", "remember_statistics"]

#: For each layer the data that were read, and what was found for each way of normalising.
_KNOWN: weakref.WeakKeyDictionary[Layer, tuple[Any, dict[str, Statistics]]] = weakref.WeakKeyDictionary()


def known_statistics(layer: Layer, data: Any, card: ModelCard) -> Statistics | None:
    """Statistics of a layer's data for a model, if an earlier run has found them."""
    of, found = _KNOWN.get(layer, (None, {}))
    return found.get(_way(card)) if of is data else None


def remember_statistics(layer: Layer, data: Any, card: ModelCard, statistics: Statistics) -> None:
    """Keep statistics for as long as the layer lives and shows these data."""
    of, found = _KNOWN.get(layer, (None, {}))
    _KNOWN[layer] = (data, {**(found if of is data else {}), _way(card): statistics})


def _way(card: ModelCard) -> str:
    return f"{card.in_channels} {card.normalisation.model_dump_json()}"
