"""Photographs, and what an operator makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_unets.images import open_stack
from napari_unets.inference import predict
from napari_unets.learning.operators import BINARY_OPERATORS, Operator, apply_operator
from napari_unets.learning.pages import read_image
from napari_unets.learning.photographs import (
    PhotographSampler,
    PhotographsError,
    find_photographs,
    grey_of,
)
from napari_unets.learning.recipe import PhotographsRecipe, Recipe
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source, kept_aside
from napari_unets.learning.validation import scoring_settings
from napari_unets.models import Model, ModelCard
from napari_unets.networks import Network

__all__ = ["HeldOutPhotographs", "photograph_source"]

#: Squared error that a perfect network is taken to have, so that its PSNR is finite.
_SMALLEST = 1e-10


class HeldOutPhotographs:
    """Photographs kept aside; calling it with a network compares it with its operator.

    Parameters
    ----------
    card : ModelCard
        Of the model in the making.
    paths : sequence of Path
        The photographs.
    operator : str
        What the network shall do.
    device : str
        Where the network runs.

    Notes
    -----
    Scores, each the mean over whole photographs: ``psnr`` in decibels, ``absolute_error`` in parts of the range
    from black to white, and for operators that give 0 or 1 the ``dice`` of the ones.
    """

    def __init__(self, card: ModelCard, paths: Sequence[Path], operator: Operator, device: str) -> None:
        self._card = card
        self._paths = paths
        self._operator = operator
        self._settings = scoring_settings(device)

    def __call__(self, network: Network) -> dict[str, float]:
        """Score a network in eval mode."""
        scores = [self._score(network, path) for path in self._paths]
        return {name: float(np.nanmean([score[name] for score in scores])) for name in scores[0]}

    def _score(self, network: Network, path: Path) -> dict[str, float]:
        wanted = apply_operator(self._operator, grey_of(read_image(path, self._card.in_channels)))
        with open_stack(path) as stack:
            made = predict(Model(self._card, network=network), stack, settings=self._settings)[0]
        squared = float(np.square(made - wanted).mean())
        scores = {
            "psnr": -10 * math.log10(max(squared, _SMALLEST)),
            "absolute_error": float(np.abs(made - wanted).mean()),
        }
        if self._operator in BINARY_OPERATORS:
            chosen, true = made > self._card.threshold, wanted > 0
            total = int(chosen.sum()) + int(true.sum())
            scores["dice"] = 2 * int((chosen & true).sum()) / total if total else math.nan
        return scores


def photograph_source(
    recipe: Recipe,
    data: PhotographsRecipe,
    folder: Path,
    card: ModelCard,
    settings: FitSettings,
    device: str,
    *,
    smoke: bool,
) -> Source:
    """Find photographs, and keep some of them aside, evenly spread; with ``smoke`` only a few are used.

    Raises
    ------
    PhotographsError
        If there are none, or too few to keep some aside.
    """
    paths = find_photographs(folder / data.images)
    training, aside = kept_aside(paths, data.validation, smoke=smoke)
    if not training:
        raise PhotographsError(
            f"{folder / data.images}: there are {len(aside)} photographs, of which {data.validation} are to be kept "
            "aside"
        )
    return Source(
        PhotographSampler(training, data.operator, recipe.in_channels, settings.patch, data.augment, settings.seed),
        HeldOutPhotographs(card, aside, data.operator, device) if aside else None,
        f"{data.images}: {len(training)} photographs, changed at random, and scikit-image's {data.operator} of them",
        f"{len(aside)} photographs of {data.images}; compared with scikit-image's {data.operator}",
    )
