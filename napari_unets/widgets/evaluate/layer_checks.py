"""A list of the viewer's layers of which any number can be checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QSizePolicy, QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["LayerChecks"]

_MOST_ROWS = 5
_FEWEST_ROWS = 2


class LayerChecks(QListWidget):
    """Check some of the viewer's layers; added, removed, moved and renamed layers are followed.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers to list.
    accept : callable
        Which of them to list.
    check : callable
        Which of them to check when they first appear.
    """

    #: Other layers are checked than before.
    layers_changed = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        accept: Callable[[Layer], bool],
        check: Callable[[Layer], bool],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._accept = accept
        self._check = check
        self._except: Layer | None = None
        self._last: list[Layer] = []
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setStyleSheet("QListWidget::item { padding: 2px; }")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered, events.renamed):
            emitter.connect(self._refill)
        self.itemChanged.connect(self._announce)
        self._refill()

    @property
    def layers(self) -> list[Layer]:
        """The checked layers, from top to bottom."""
        return [item.data(Qt.ItemDataRole.UserRole) for item in self._items() if _is_checked(item)]

    def set_checked(self, layer: Layer, checked: bool = True) -> None:
        """Check or uncheck a layer of the list."""
        for item in self._items():
            if item.data(Qt.ItemDataRole.UserRole) is layer:
                item.setCheckState(Qt.CheckState.Checked if checked else Qt.CheckState.Unchecked)

    def leave_out(self, layer: Layer | None) -> None:
        """Do not list a layer: it is chosen elsewhere."""
        self._except = layer
        self._refill()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as its rows, within limits."""
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + 4
        rows = max(_FEWEST_ROWS, min(self.count(), _MOST_ROWS))
        return QSize(200, rows * row + 2 * self.frameWidth() + 4)

    def _items(self) -> list[QListWidgetItem]:
        return [item for i in range(self.count()) if (item := self.item(i)) is not None]

    def _refill(self, _event: Any = None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]  # the viewer outlives a dock that was closed
            return
        known = [(item.data(Qt.ItemDataRole.UserRole), item.checkState()) for item in self._items()]
        blocked = self.blockSignals(True)
        self.clear()
        for layer in reversed(self._viewer.layers):
            if layer is self._except or not self._accept(layer):
                continue
            item = QListWidgetItem(layer.name)
            item.setToolTip(layer.name)
            item.setData(Qt.ItemDataRole.UserRole, layer)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            new = Qt.CheckState.Checked if self._check(layer) else Qt.CheckState.Unchecked
            item.setCheckState(next((state for of, state in known if of is layer), new))
            self.addItem(item)
        self.blockSignals(blocked)
        self.updateGeometry()
        self._announce()

    def _announce(self, _item: object = None) -> None:
        layers = self.layers
        if [id(layer) for layer in layers] != [id(layer) for layer in self._last]:
            self._last = layers
            self.layers_changed.emit()


def _is_checked(item: QListWidgetItem) -> bool:
    return item.checkState() == Qt.CheckState.Checked
