"""Pictures with their truths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from napari_unets.images import open_stack
from napari_unets.inference import segment
from napari_unets.learning.class_values import class_ids
from napari_unets.learning.pages import Page, find_pages, read_image
from napari_unets.learning.plane_source import plane_source
from napari_unets.learning.recipe import PicturesRecipe, Recipe, RecipeError
from napari_unets.learning.resizing import resized
from napari_unets.learning.samples import AnnotatedPlane
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source, kept_aside
from napari_unets.learning.validation import scoring_settings
from napari_unets.models import Model, ModelCard
from napari_unets.networks import Network

__all__ = ["HeldOutPictures", "picture_source", "read_picture"]

_OVERLAPS = {"ap50": 0.5, "ap70": 0.7, "ap90": 0.9}


class HeldOutPictures:
    """Pictures kept aside; calling it with a network gives its scores on them.

    Parameters
    ----------
    card : ModelCard
        Of the model in the making.
    pictures : sequence of Page
        What is not annotated counts nowhere.
    device : str
        Where the network runs.

    Notes
    -----
    Scores: ``jaccard``, the intersection over union of class 1, a mean over the pictures, and ``ap50``, ``ap70`` and
    ``ap90``. What class 1 covers on a picture is taken as one object (KITTI's road); the average precision at an
    overlap is then the share of the pictures whose intersection over union exceeds it.
    """

    def __init__(self, card: ModelCard, pictures: Sequence[Page], device: str) -> None:
        self._card = card
        self._pictures = pictures
        self._settings = scoring_settings(device)

    def __call__(self, network: Network) -> dict[str, float]:
        """Score a network in eval mode."""
        overlaps = np.array([self._overlap(network, picture) for picture in self._pictures])
        found = {name: float((overlaps > least).mean()) for name, least in _OVERLAPS.items()}
        return {"jaccard": float(overlaps.mean()), **found}

    def _overlap(self, network: Network, picture: Page) -> float:
        chosen = segment(Model(self._card, network=network), picture.stack, settings=self._settings)[0] == 1
        true, known = picture.ids.numpy() == 1, picture.ids.numpy() != 0
        union = int(((chosen | true) & known).sum())
        return int((chosen & true & known).sum()) / union if union else 1.0


def picture_source(
    recipe: Recipe,
    data: PicturesRecipe,
    folder: Path,
    card: ModelCard,
    settings: FitSettings,
    device: str,
    *,
    smoke: bool,
) -> Source:
    """Read pictures and their truths; with ``smoke`` only a few.

    Raises
    ------
    RecipeError
        If all pictures are held out, if a truth has another size than its picture, or if not two classes are annotated.
    PagesError
        If there are none, or one has no truth.
    ImageError
        If one cannot be read.
    """
    found = list(find_pages(folder, data.images, data.labels).values())
    training, aside = kept_aside(found, data.validation, smoke=smoke)
    if not training:
        raise RecipeError(f"{folder}: there are {len(aside)} pictures, of which {data.validation} are to be kept aside")
    pictures, held_out = (
        [read_picture(*paths, data, recipe.in_channels) for paths in part] for part in (training, aside)
    )
    planes = [AnnotatedPlane(p.image.float().div(255).numpy(), p.ids.numpy()) for p in pictures]
    return plane_source(
        data,
        planes,
        settings,
        card,
        HeldOutPictures(card, held_out, device) if aside else None,
        learnt_from=f"{data.images} and {data.labels}: {len(training)} pictures",
        held_out=f"{len(aside)} of {len(training) + len(aside)} pictures, evenly spread",
    )


def read_picture(image: Path, truth: Path, data: PicturesRecipe, channels: int) -> Page:
    """Read a picture and its truth, and bring both to the size that the recipe wants.

    Raises
    ------
    RecipeError
        If the two differ in size.
    ImageError
        If one cannot be read.
    """
    plane = read_image(image, channels)
    with open_stack(truth) as labels:
        ids = class_ids(np.asarray(labels.plane(0)), data.classes)
    if ids.shape != plane.shape[1:]:
        raise RecipeError(f"{truth}: the truth has {ids.shape} pixels, the picture {plane.shape[1:]}")
    if data.resize is not None:
        plane = resized(plane, (channels, *data.resize), smooth=True)
        ids = resized(ids, data.resize, smooth=False)
    values = (plane * 255).round().clip(0, 255).astype(np.uint8)
    return Page(torch.from_numpy(values), torch.from_numpy(ids))
