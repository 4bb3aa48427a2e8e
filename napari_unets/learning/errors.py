"""Errors around annotations and what learns from them."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = ["AnnotationError", "DivergedError", "FitSettingError", "NothingToTrainError"]


class AnnotationError(NapariUnetsError):
    """Annotations that a model cannot learn from: of another shape, empty, or of one class only."""


class DivergedError(NapariUnetsError):
    """A run whose loss is no number any more, and that has no earlier weights which were found good."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"the training has come apart at step {step}: its loss is no number any more. Begin again with a lower "
            "learning rate, and see that the image holds no infinite values"
        )


class FitSettingError(NapariUnetsError):
    """A setting of a training run that does not exist, or cannot have this value."""


class NothingToTrainError(NapariUnetsError):
    """A formula, such as Sauvola's threshold, was to be trained."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is a formula without weights: there is nothing in it to train. Choose another model to tune; "
            f"what {name} finds can serve as its first annotation"
        )
