"""Errors around annotations and what learns from them."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = ["AnnotationError", "NothingToTrainError"]


class AnnotationError(NapariUnetsError):
    """Annotations that a model cannot learn from: of another shape, empty, or of one class only."""


class NothingToTrainError(NapariUnetsError):
    """A formula, such as Sauvola's threshold, was to be trained."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is a formula without weights: there is nothing in it to train. Choose another model to tune; "
            f"what {name} finds can serve as its first annotation"
        )
