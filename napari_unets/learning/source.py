"""Where a run's batches and scores come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from napari_unets.learning.recipe_file import RecipeError
from napari_unets.learning.state import Sampler
from napari_unets.networks import Network

__all__ = ["Source", "check_classes", "kept_aside"]

_Item = TypeVar("_Item")
#: Of a smoke run: images learnt from, and held out.
_SMOKE = 4, 1


@dataclass(frozen=True)
class Source:
    """What a recipe's data are for the run.

    Attributes
    ----------
    sampler : Sampler
        Batches.
    validate : callable or None
        Scores of a network on what training never sees; None if nothing was kept out.
    learnt_from, held_out : str
        The two in words, for the card.
    annotated_pixels : dict of str to int
        By class name.
    samples : int or None
        How many an epoch has; None where patches are drawn at random and there are no epochs.
    """

    sampler: Sampler
    validate: Callable[[Network], dict[str, float]] | None
    learnt_from: str
    held_out: str
    annotated_pixels: dict[str, int] = field(default_factory=dict)
    samples: int | None = None


def check_classes(annotated_pixels: Mapping[str, int], what: str) -> None:
    """See that there is something to tell apart, before hours are spent on it.

    Parameters
    ----------
    annotated_pixels : mapping of str to int
        By class name.
    what : str
        What is learnt from, for the message.

    Raises
    ------
    RecipeError
        If not two classes are annotated.
    """
    found = [name for name, pixels in annotated_pixels.items() if pixels]
    if len(found) < 2:
        raise RecipeError(
            f"{what}: {f'only {found[0]} is' if found else 'nothing is'} annotated in what is learnt from, and two "
            "classes are needed; see data.classes in the recipe for the values of the labels"
        )


def kept_aside(images: Sequence[_Item], n: int, *, smoke: bool) -> tuple[list[_Item], list[_Item]]:
    """Part what is learnt from and, evenly spread, what is kept aside.

    Parameters
    ----------
    images : sequence
        All of them; with ``smoke`` only a few are used.
    n : int
        How many to keep aside. If there are no more, nothing is left to learn from.
    """
    if smoke:
        images, n = images[: sum(_SMOKE)], min(n, _SMOKE[1])
    aside = set(np.linspace(0, len(images) - 1, n).round().astype(int).tolist())
    return [x for i, x in enumerate(images) if i not in aside], [images[i] for i in sorted(aside)]
