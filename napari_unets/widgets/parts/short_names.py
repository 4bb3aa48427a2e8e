"""Names of layers without what they have in common, and of models with what they have not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unets.models import ModelCard

__all__ = ["short_names", "shown_titles"]

_BETWEEN = " · "


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out the parts at the beginning that all names share; of a single name nothing is left.

    Examples
    --------
    >>> short_names(["sections · a · segmentation", "sections · b · segmentation"])
    ['a · segmentation', 'b · segmentation']
    """
    parts = [name.split(_BETWEEN) for name in names]
    if len(parts) < 2:
        return [""] * len(parts)
    while all(len(part) > 1 and part[0] == parts[0][0] for part in parts):
        parts = [part[1:] for part in parts]
    return [_BETWEEN.join(part) for part in parts]


def shown_titles(cards: Mapping[str, ModelCard]) -> dict[str, str]:
    """Titles of models by their names; those that several have are followed by the name."""
    count = Counter(card.title for card in cards.values())
    return {name: card.title if count[card.title] == 1 else f"{card.title}: {name}" for name, card in cards.items()}
