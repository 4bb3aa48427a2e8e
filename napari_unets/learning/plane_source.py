"""Planes that are wholly in memory, to a source of batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_unets.learning.recipe_data import PicturesRecipe, StackRecipe
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source, check_classes
from napari_unets.learning.turn_sampler import TurnSampler
from napari_unets.models import ModelCard
from napari_unets.networks import Network

__all__ = ["plane_source"]


def plane_source(
    data: StackRecipe | PicturesRecipe,
    planes: Sequence[AnnotatedPlane],
    settings: FitSettings,
    card: ModelCard,
    validate: Callable[[Network], dict[str, float]] | None,
    *,
    learnt_from: str,
    held_out: str,
) -> Source:
    """Draw from planes as a recipe's data say: at random, or each in turn.

    Parameters
    ----------
    data : StackRecipe or PicturesRecipe
        ``draw`` and ``eightfold``.
    planes : sequence of AnnotatedPlane
        What is learnt from.
    settings : FitSettings
        Size of the patches, augmentation, seed.
    card : ModelCard
        Its classes.
    validate : callable or None
        See :class:`Source`.
    learnt_from, held_out : str
        See :class:`Source`.

    Raises
    ------
    RecipeError
        If not two classes are annotated.
    """
    pixels = {c.name: sum(int((plane.annotations == c.id).sum()) for plane in planes) for c in card.classes}
    check_classes(pixels, learnt_from)
    if data.draw == "random":
        sampler = PatchSampler(planes, settings.patch, settings.augment, settings.seed)
        return Source(sampler, validate, learnt_from, held_out, pixels)
    turns = TurnSampler(planes, settings.patch, eightfold=data.eightfold, seed=settings.seed)
    return Source(turns, validate, learnt_from, held_out, pixels, samples=turns.samples)
