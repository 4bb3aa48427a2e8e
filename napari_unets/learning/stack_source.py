"""The planes of one annotated stack, or of several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, as_stack, compute_statistics, open_stack, prepare_plane
from napari_unets.images.file_pairs import unpaired
from napari_unets.learning.class_values import class_ids
from napari_unets.learning.datasets import StackFiles, find_stacks
from napari_unets.learning.plane_source import plane_source
from napari_unets.learning.recipe import Recipe, RecipeError, StackRecipe
from napari_unets.learning.resizing import resized
from napari_unets.learning.samples import AnnotatedPlane
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.source import Source
from napari_unets.learning.validation import HeldOutPlanes, scoring_settings
from napari_unets.models import ModelCard

__all__ = ["stack_source"]


def stack_source(
    recipe: Recipe, data: StackRecipe, folder: Path, card: ModelCard, settings: FitSettings, device: str, *, smoke: bool
) -> Source:
    """Open stacks and their annotations; with ``smoke`` only the first held-out plane is scored.

    Raises
    ------
    RecipeError
        If the recipe does not fit the data.
    DatasetError
        If the data are not laid out as the dataset that the recipe names.
    ImageError
        If the data cannot be read.
    """
    if smoke and data.resize is not None:
        data = data.model_copy(update={"resize": min(data.resize, settings.patch)})
    files = _files(data, folder)
    stack, annotations = _read(files, data)
    aside = _held_out(data, stack.n_planes)
    how = recipe.normalisation
    luminance = stack.is_rgb and recipe.in_channels == 1
    statistics = compute_statistics(stack, how.method, low=how.low, high=how.high, luminance=luminance)
    training = [i for i in range(stack.n_planes) if i not in aside]
    if not training:
        raise RecipeError(
            f"all planes ({stack.n_planes}) are kept aside by data.validation, and none is left to learn from; "
            "validation = [] keeps none aside"
        )
    planes = [
        AnnotatedPlane(prepare_plane(stack.plane(i), recipe.in_channels, statistics), annotations[i]) for i in training
    ]
    validate = None
    if aside:
        _check_held_out(annotations[aside], recipe)
        scored = [i for i in aside if annotations[i].any()]
        held_out = {i: annotations[i] for i in scored[: 1 if smoke else None]}
        validate = HeldOutPlanes(card, stack, held_out, statistics, scoring_settings(device))
    names = ", ".join(pair.images.name for pair in files)
    labels = ", ".join(pair.labels.name for pair in files)
    return plane_source(
        data,
        planes,
        settings,
        card,
        validate,
        learnt_from=f"{names} and {labels}: {len(training)} planes",
        held_out=f"planes {_shortly(aside)} of {names}",
    )


def _check_held_out(held_out: npt.NDArray[np.uint8], recipe: Recipe) -> None:
    if not held_out.any():
        raise RecipeError("nothing is annotated on the planes of data.validation: there is nothing to score")
    whole = recipe.card.task == "em" and len(recipe.card.classes) == 2 and held_out.all()
    if recipe.select == "v_rand" and not whole:
        raise RecipeError(
            'select = "v_rand" goes with EM planes of two classes, wholly annotated where they are held out; '
            'choose select = "dice"'
        )


def _files(data: StackRecipe, folder: Path) -> list[StackFiles]:
    if data.layout is not None:
        return find_stacks(data.layout, folder)
    pairs = zip(data.stacks_of("images"), data.stacks_of("labels"), strict=True)
    return [StackFiles(folder / images, folder / labels) for images, labels in pairs]


def _read(files: list[StackFiles], data: StackRecipe) -> tuple[Stack, npt.NDArray[np.uint8]]:
    """One stack of all planes, and their class ids; a single stack stays on disk unless it is resized."""
    stacks = [open_stack(pair.images, dataset=pair.images_dataset) for pair in files]
    annotations = [_annotations(pair, stack, data) for pair, stack in zip(files, stacks, strict=True)]
    if len(files) == 1 and data.resize is None:
        return stacks[0], annotations[0]
    images = [np.stack([stack.plane(i) for i in range(stack.n_planes)]) for stack in stacks]
    if data.resize is not None:
        square = (data.resize, data.resize)
        images = [resized(image, (len(image), *square, *image.shape[3:]), smooth=True) for image in images]
        annotations = [resized(ids, (len(ids), *square), smooth=False) for ids in annotations]
    shapes = {image.shape[1:] for image in images}
    if len(shapes) > 1:
        raise RecipeError(
            f"{', '.join(str(pair.images) for pair in files)}: the planes differ in size; data.resize makes them alike"
        )
    return as_stack(np.concatenate(images), rgb=stacks[0].is_rgb), np.concatenate(annotations)


def _annotations(pair: StackFiles, stack: Stack, data: StackRecipe) -> npt.NDArray[np.uint8]:
    with open_stack(pair.labels, dataset=pair.labels_dataset) as labels:
        if wrong := unpaired(stack, labels):
            raise RecipeError(wrong)
        ids = class_ids(np.asarray(labels), data.classes)
    if ids.shape != (stack.shape[:-1] if stack.is_rgb else stack.shape):
        raise RecipeError(f"{pair.labels}: the labels have the shape {ids.shape}, the images {stack.shape}")
    return ids.reshape(stack.n_planes, *stack.plane_shape)


def _held_out(data: StackRecipe, n_planes: int) -> list[int]:
    if isinstance(data.validation, float):
        return list(range(n_planes - max(1, round(data.validation * n_planes)), n_planes))
    planes: list[int] = []
    for part in data.validation:
        first, _, last = str(part).partition("-")
        planes += range(int(first), int(last or first) + 1)
    if strange := [n for n in planes if not 0 <= n < n_planes]:
        raise RecipeError(f"the recipe validates on plane {strange[0]}, but there are only {n_planes}")
    return list(dict.fromkeys(planes))


def _shortly(planes: list[int]) -> str:
    """``3, 7`` or ``19 to 23``."""
    if len(planes) > 2 and planes == list(range(planes[0], planes[-1] + 1)):
        return f"{planes[0]} to {planes[-1]}"
    return ", ".join(map(str, planes))
