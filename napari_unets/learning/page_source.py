"""Pages with their truths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_unets.inference import segment
from napari_unets.learning.pages import Page, PageSampler, find_pages, matches, read_page
from napari_unets.learning.recipe import PagesRecipe, Recipe, RecipeError
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source, check_classes
from napari_unets.learning.validation import scoring_settings
from napari_unets.metrics import evaluate
from napari_unets.models import Model, ModelCard
from napari_unets.networks import Network

__all__ = ["HeldOutPages", "page_source"]

#: Pages of a smoke run, learnt from and held out.
_SMOKE = 2, 1
_METRICS = ("f_measure", "psnr", "drd")


class HeldOutPages:
    """Pages kept aside; calling it with a network gives the means of its scores on them.

    Parameters
    ----------
    card : ModelCard
        Of the model in the making.
    pages : sequence of Page
        The pages; their truth must be known everywhere.
    device : str
        Where the network runs.

    Notes
    -----
    Scores: ``f_measure``, ``psnr`` and ``drd`` (lower is better), each the mean over the pages, as the DIBCO
    contests have it, but for pages where it is undefined or infinite (a blank page, a page without a wrong pixel).
    """

    def __init__(self, card: ModelCard, pages: Sequence[Page], device: str) -> None:
        self._card = card
        self._pages = pages
        self._settings = scoring_settings(device)

    def __call__(self, network: Network) -> dict[str, float]:
        """Score a network in eval mode."""
        scores = [self._score(network, page) for page in self._pages]
        return {name: mean_of_finite([score[name] for score in scores]) for name in _METRICS}

    def _score(self, network: Network, page: Page) -> dict[str, float]:
        found = segment(Model(self._card, network=network), page.stack, settings=self._settings)[0]
        truth = np.where(page.ids.numpy() == 1, 0, 255).astype(np.uint8)
        scores = evaluate(found, truth, metrics=list(_METRICS))
        return {name: float(scores[name]) for name in _METRICS}


def mean_of_finite(values: Sequence[float]) -> float:
    """Mean of what is finite; infinite where all pages that have a score are perfect."""
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        return sum(finite) / len(finite)
    return math.inf if math.inf in values else math.nan


def page_source(
    recipe: Recipe, data: PagesRecipe, folder: Path, card: ModelCard, settings: FitSettings, device: str, *, smoke: bool
) -> Source:
    """Read pages and their truths; with ``smoke`` only a few.

    Raises
    ------
    RecipeError
        If all pages are held out, none where some should be, or none with ink; or if only one class is learnt from.
    PagesError
        If there are none, or some do not fit their truth.
    ImageError
        If one cannot be read.
    """
    if len(card.classes) != 2:
        raise RecipeError(f"pages have two classes, ink and paper; the recipe's card has {len(card.classes)}")
    found = find_pages(folder, data.images, data.labels)
    held_out = [name for name in found if matches(name, data.validation)]
    training = [name for name in found if name not in held_out]
    if data.validation and not held_out:
        raise RecipeError(f"{folder}: no page fits data.validation, {', '.join(data.validation)}")
    if not training:
        raise RecipeError(f"{folder}: all pages are held out by data.validation, {', '.join(data.validation)}")
    if smoke:
        training, held_out = training[: _SMOKE[0]], held_out[: _SMOKE[1]]
    pages, aside = (
        [read_page(*found[name], data.classes, recipe.in_channels) for name in names] for names in (training, held_out)
    )
    pixels = {c.name: sum(int((page.ids == c.id).sum()) for page in pages) for c in card.classes}
    check_classes(pixels, data.labels)
    if aside and not any(bool((page.ids == 1).any()) for page in aside):
        raise RecipeError(f"{folder}: no page of data.validation, {', '.join(data.validation)}, has any ink to score")
    return Source(
        PageSampler(pages, settings.patch, data.augment, settings.seed),
        HeldOutPages(card, aside, device) if aside else None,
        f"{data.images} and {data.labels}: {len(pages)} pages",
        f"{len(aside)} pages, {', '.join(data.validation)}",
        pixels,
    )
