"""Errors around models: each names the model or the file, what is wrong with it, and what to do."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = [
    "ModelCardError",
    "ModelError",
    "ModelExistsError",
    "ModelFileError",
    "ModelVersionError",
    "NotAModelError",
    "UnknownModelError",
    "WeightsError",
]


class ModelError(NapariUnetsError):
    """Base class of what can be wrong with a model."""


class UnknownModelError(ModelError):
    """Neither a model of the store nor a model's folder."""


class ModelCardError(ModelError):
    """A ``card.json`` that is missing, is no JSON, or does not say what a card must say."""


class ModelVersionError(ModelError):
    """A card written by a newer version of this package."""


class NotAModelError(ModelError):
    """Something else was given where a model is wanted, such as its name."""


class WeightsError(ModelError):
    """Weights that are missing, damaged, or do not fit the card's network."""


class ModelExistsError(ModelError):
    """A model that may not be replaced or removed."""


class ModelFileError(ModelError):
    """A file or folder that a model cannot be taken from or written to."""
