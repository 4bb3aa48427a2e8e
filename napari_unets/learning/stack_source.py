"""The planes of one annotated stack."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unets.images import compute_statistics, open_stack, prepare_plane
from napari_unets.inference import InferenceSettings
from napari_unets.learning.recipe import Recipe, RecipeError, StackRecipe
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.models import ModelCard

__all__ = ["stack_source"]


def stack_source(
    recipe: Recipe, data: StackRecipe, folder: Path, card: ModelCard, settings: FitSettings, device: str, *, smoke: bool
) -> Source:
    """Open a stack and its annotations; with ``smoke`` only the first held-out plane is scored.

    Raises
    ------
    RecipeError
        If the recipe does not fit the data.
    ImageError
        If the data cannot be read.
    """
    stack = open_stack(folder / data.images)
    with open_stack(folder / data.labels) as labels:
        if labels.shape != stack.shape[:3]:
            raise RecipeError(
                f"{folder / data.labels}: the labels have the shape {labels.shape}, the images {stack.shape}"
            )
        values = np.asarray(labels)
    annotations = np.zeros(values.shape, np.uint8)
    for value, class_id in data.classes.items():
        annotations[values == value] = class_id
    if strange := [n for n in data.validation if not 0 <= n < stack.n_planes]:
        raise RecipeError(f"the recipe validates on plane {strange[0]}, but there are only {stack.n_planes}")
    how = recipe.normalisation
    luminance = stack.is_rgb and recipe.in_channels == 1
    statistics = compute_statistics(stack, how.method, low=how.low, high=how.high, luminance=luminance)
    training = [i for i in range(stack.n_planes) if i not in data.validation]
    if not annotations[training].any():
        raise RecipeError("nothing is annotated on the planes to learn from; see data.classes in the recipe")
    planes = [
        AnnotatedPlane(prepare_plane(stack.plane(i), recipe.in_channels, statistics), annotations[i]) for i in training
    ]
    validate = None
    if data.validation:
        held_out = {i: annotations[i] for i in data.validation[: 1 if smoke else None]}
        # torch: the network changes at every validation, and converting it costs more than it saves.
        where = InferenceSettings(device=device, backend="torch")
        validate = HeldOutPlanes(card, stack, held_out, statistics, where)
    return Source(
        PatchSampler(planes, settings.patch, settings.augment, settings.seed),
        validate,
        f"{data.images} and {data.labels}: {len(training)} planes",
        f"planes {', '.join(map(str, data.validation))} of {data.images}",
        {c.name: int((annotations[training] == c.id).sum()) for c in card.classes},
    )
