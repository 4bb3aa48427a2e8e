"""A combo box of the viewer's layers that follows the layer list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["LayerChoice"]


class LayerChoice(QComboBox):
    """Choose one of the viewer's layers.

    Added, removed, moved and renamed layers are followed; the choice stays with its layer. At first the
    layer that is selected in the layer list is chosen, or the topmost that is accepted.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers to list.
    accept : callable
        Which of them to list.
    placeholder : str
        What to show while there is none.
    unasked : callable, optional
        Which of the listed layers may be chosen at first; the others have to be picked. Default: all.
    """

    #: The chosen layer, or None; also if that layer was given data of another shape.
    layer_changed = Signal(object)

    def __init__(
        self,
        viewer: ViewerModel,
        accept: Callable[[Layer], bool],
        placeholder: str,
        parent: QWidget | None = None,
        *,
        unasked: Callable[[Layer], bool] = lambda _layer: True,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._accept = accept
        self._unasked = unasked
        self._last: Layer | None = None
        self._shape: tuple[int, ...] | None = None
        self.setPlaceholderText(placeholder)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered, events.renamed):
            emitter.connect(self._refill)
        self.currentIndexChanged.connect(self._announce)
        self._refill()

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self.currentData()

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the list; one that is not in it is left alone."""
        for index in range(self.count()):
            if self.itemData(index) is layer:
                self.setCurrentIndex(index)

    def _refill(self, _event: Any = None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]  # the viewer outlives a dock that was closed
            return
        chosen = self.layer
        layers = [layer for layer in reversed(self._viewer.layers) if self._accept(layer)]
        active = self._viewer.layers.selection.active
        blocked = self.blockSignals(True)
        self.clear()
        for layer in layers:
            self.addItem(layer.name, layer)
        self.setEnabled(bool(layers))
        kept = next((i for i, layer in enumerate(layers) if layer is chosen), None)
        if kept is None:
            free = [i for i, layer in enumerate(layers) if self._unasked(layer)]
            kept = next((i for i in free if layers[i] is active), free[0] if free else -1)
        self.setCurrentIndex(kept)
        self.blockSignals(blocked)
        self._announce()

    def _announce(self, _index: int = -1) -> None:
        self.setToolTip(self.currentText())
        if self.layer is not self._last:
            if self._last is not None:
                self._last.events.data.disconnect(self._new_data)
            self._last = self.layer
            if self._last is not None:
                self._last.events.data.connect(self._new_data)
            self._shape = _shape_of(self.layer)
            self.layer_changed.emit(self.layer)

    def _new_data(self, _event: Any) -> None:
        if isalive(self) and _shape_of(self._last) != self._shape:  # type: ignore[no-untyped-call]
            self._shape = _shape_of(self._last)
            self.layer_changed.emit(self._last)


def _shape_of(layer: Layer | None) -> tuple[int, ...] | None:
    return None if layer is None else tuple(layer.data.shape)
