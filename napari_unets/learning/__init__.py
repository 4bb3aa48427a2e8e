"""Annotations → batches → a better model. Importing this loads no torch; its names do when they need it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from napari_unets.learning.preflight import Preflight, preflight  # at once: the module has the function's name

if TYPE_CHECKING:
    from napari_unets.learning.annotations import AnnotatedStack, split_annotations
    from napari_unets.learning.cascading import cascade_models
    from napari_unets.learning.doubt import PlaneUncertainty, best_slice
    from napari_unets.learning.errors import AnnotationError, FitSettingError, NothingToTrainError
    from napari_unets.learning.events import FitEvent, PreviewEvent, StepEvent, StoppedEvent, ValidationEvent
    from napari_unets.learning.fine_tuning import TunedEvent, fine_tune, iter_fine_tune
    from napari_unets.learning.recipe import Recipe, RecipeError, read_recipe
    from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
    from napari_unets.learning.settings import FitSettings, tuning_settings
    from napari_unets.learning.sparse import SparseAnnotations
    from napari_unets.learning.step_time import step_seconds
    from napari_unets.learning.suggest import iter_uncertainty
    from napari_unets.learning.training import SavedEvent, run_recipe

_PLACES = {
    "AnnotatedPlane": "samples",
    "AnnotatedStack": "annotations",
    "AnnotationError": "errors",
    "best_slice": "doubt",
    "cascade_models": "cascading",
    "fine_tune": "fine_tuning",
    "FitEvent": "events",
    "FitSettingError": "errors",
    "FitSettings": "settings",
    "iter_fine_tune": "fine_tuning",
    "iter_uncertainty": "suggest",
    "NothingToTrainError": "errors",
    "PatchSampler": "samples",
    "PlaneUncertainty": "doubt",
    "PreviewEvent": "events",
    "read_recipe": "recipe",
    "Recipe": "recipe",
    "RecipeError": "recipe",
    "run_recipe": "training",
    "SavedEvent": "training",
    "SparseAnnotations": "sparse",
    "split_annotations": "annotations",
    "step_seconds": "step_time",
    "StepEvent": "events",
    "StoppedEvent": "events",
    "TunedEvent": "fine_tuning",
    "tuning_settings": "settings",
    "ValidationEvent": "events",
}

__all__ = [
    "AnnotatedPlane",
    "AnnotatedStack",
    "AnnotationError",
    "FitEvent",
    "FitSettingError",
    "FitSettings",
    "NothingToTrainError",
    "PatchSampler",
    "PlaneUncertainty",
    "Preflight",
    "PreviewEvent",
    "Recipe",
    "RecipeError",
    "SavedEvent",
    "SparseAnnotations",
    "StepEvent",
    "StoppedEvent",
    "TunedEvent",
    "ValidationEvent",
    "best_slice",
    "cascade_models",
    "fine_tune",
    "iter_fine_tune",
    "iter_uncertainty",
    "preflight",
    "read_recipe",
    "run_recipe",
    "split_annotations",
    "step_seconds",
    "tuning_settings",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
