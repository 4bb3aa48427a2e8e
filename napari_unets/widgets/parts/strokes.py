"""Hear of every change of labels that somebody paints on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Strokes", "planes_of_stroke"]


class Strokes(QObject):
    """Follows the strokes in some labels layers, and their undoing."""

    #: There was a stroke: its layer, its value, and the planes that it has changed.
    painted = Signal(object, int, object)
    #: A layer was drawn anew: a stroke was undone, or another slice is shown.
    redrawn = Signal()
    #: A layer was given another array.
    replaced = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layers: list[Labels] = []

    def follow(self, layers: Sequence[Layer]) -> None:
        """Follow the labels among these layers, instead of those before."""
        for layer in self._layers:
            for event, hear in self._ears(layer):
                event.disconnect(hear)
        self._layers = [layer for layer in layers if isinstance(layer, Labels)]
        for layer in self._layers:
            for event, hear in self._ears(layer):
                event.connect(hear)

    def _ears(self, layer: Labels) -> list[tuple[Any, Any]]:
        events = layer.events
        return [(events.paint, self._painted), (events.set_data, self._redrawn), (events.data, self._replaced)]

    def _painted(self, event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]  # layers outlive a dock that was closed
            layer = event.source
            self.painted.emit(layer, int(layer.selected_label), planes_of_stroke(event.value, layer.data.shape))

    def _redrawn(self, _event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self.redrawn.emit()

    def _replaced(self, _event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self.replaced.emit()


def planes_of_stroke(item: Any, shape: tuple[int, ...]) -> set[int]:
    """Planes that an item of napari's history has changed; each of its atoms begins with an index into the array."""
    leading = shape[:-2]
    if not leading:
        return {0}
    found: set[int] = set()
    for atom in item:
        axes = [_positions(index, n) for index, n in zip(atom[0], leading, strict=False)]
        if any(isinstance(index, slice) for index in atom[0]):
            found |= set(np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), leading).reshape(-1).tolist())
        else:
            found |= set(np.unique(np.ravel_multi_index(axes, leading)).tolist())
    return found


def _positions(index: Any, size: int) -> NDArray[np.int64]:
    if isinstance(index, slice):
        return np.arange(size)[index]
    return np.atleast_1d(np.asarray(index, np.int64))
