"""Annotations → batches → a better model."""

from __future__ import annotations

from napari_unets.learning.annotations import AnnotatedStack, split_annotations
from napari_unets.learning.errors import AnnotationError
from napari_unets.learning.fine_tuning import TunedEvent, fine_tune, iter_fine_tune, tuning_settings
from napari_unets.learning.fit import FitEvent, StepEvent, StoppedEvent, ValidationEvent, fit
from napari_unets.learning.preflight import Preflight, preflight
from napari_unets.learning.recipe import Recipe, RecipeError, read_recipe
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.training import SavedEvent, run_recipe

__all__ = [
    "AnnotatedPlane",
    "AnnotatedStack",
    "AnnotationError",
    "FitEvent",
    "FitSettings",
    "PatchSampler",
    "Preflight",
    "Recipe",
    "RecipeError",
    "SavedEvent",
    "StepEvent",
    "StoppedEvent",
    "TunedEvent",
    "ValidationEvent",
    "fine_tune",
    "fit",
    "iter_fine_tune",
    "preflight",
    "read_recipe",
    "run_recipe",
    "split_annotations",
    "tuning_settings",
]
