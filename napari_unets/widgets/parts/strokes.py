"""Hear of every change of labels that somebody paints on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Strokes"]


class Strokes(QObject):
    """Follows the strokes in some labels layers, and their undoing."""

    #: There was a stroke: its layer, and its value.
    painted = Signal(object, int)
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
            self.painted.emit(event.source, int(event.source.selected_label))

    def _redrawn(self, _event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self.redrawn.emit()

    def _replaced(self, _event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self.replaced.emit()
