"""Models: cards, weights and the store they are kept in. Importing this loads no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unets.models.card import (
    UNSAVED,
    ClassInfo,
    ModelCard,
    Normalisation,
    Score,
    TrainingRecord,
    model_name,
    read_card,
)
from napari_unets.models.errors import (
    ModelCardError,
    ModelError,
    ModelExistsError,
    ModelFileError,
    ModelVersionError,
    NotAModelError,
    UnknownModelError,
    WeightsError,
)
from napari_unets.models.model import Model, check_model, read_model
from napari_unets.models.store import ModelStore, load_model, user_models_folder
from napari_unets.models.transfer import copy_model, export_model, import_model, model_in, rename_model
from napari_unets.models.untrained import new_model

if TYPE_CHECKING:
    from napari_unets.models.save import save_model

__all__ = [
    "UNSAVED",
    "ClassInfo",
    "Model",
    "ModelCard",
    "ModelCardError",
    "ModelError",
    "ModelExistsError",
    "ModelFileError",
    "ModelStore",
    "ModelVersionError",
    "Normalisation",
    "NotAModelError",
    "Score",
    "TrainingRecord",
    "UnknownModelError",
    "WeightsError",
    "check_model",
    "copy_model",
    "export_model",
    "import_model",
    "load_model",
    "model_in",
    "model_name",
    "new_model",
    "read_card",
    "read_model",
    "rename_model",
    "save_model",
    "user_models_folder",
]


def __getattr__(name: str) -> Any:
    if name == "save_model":  # its module needs torch
        from napari_unets.models.save import save_model

        return save_model
    raise AttributeError(name)
