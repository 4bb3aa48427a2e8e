"""Where a run's batches and scores come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from napari_unets.learning.fit import Sampler
from napari_unets.networks import Network

__all__ = ["Source"]


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
