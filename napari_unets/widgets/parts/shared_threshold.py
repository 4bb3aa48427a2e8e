"""A threshold that one widget has found and another one uses."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["SharedThreshold", "membrane_threshold", "shared_threshold"]


class SharedThreshold(QObject):
    """Threshold of the probability of class 1 (membrane, ink), as the segmentation settings have it.

    Attributes
    ----------
    value : float or None
        None until somebody sets it.
    model : str
        Name of the model whose probabilities it is for; empty if that is not known.
    """

    #: It was set: threshold, model.
    changed = Signal(float, str)

    def __init__(self) -> None:
        super().__init__()
        self.value: float | None = None
        self.model = ""

    def set(self, value: float, model: str = "") -> None:
        """Tell all widgets of the viewer."""
        self.value, self.model = value, model
        self.changed.emit(value, model)


_SHARED: weakref.WeakKeyDictionary[ViewerModel, SharedThreshold] = weakref.WeakKeyDictionary()


def shared_threshold(viewer: ViewerModel) -> SharedThreshold:
    """Return the one that the widgets of a viewer share."""
    return _SHARED.setdefault(viewer, SharedThreshold())


def membrane_threshold(threshold: float) -> float:
    """Turn a threshold of P(cell) into that of P(membrane), which cuts at the same place.

    Scores take cell where P(cell) > t; with P(membrane) = 1 − P(cell) that is where P(membrane) < 1 − t, and
    ``segment`` takes membrane where P(membrane) > 1 − t. Ten digits
    are kept: the thresholds of the scores are sums of 0.1.
    """
    return round(1.0 - threshold, 10)
