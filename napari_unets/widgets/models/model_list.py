"""The models of the store as a list: those that ship with the package, and the user's own."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QWidget

from napari_unets.models import ModelCard, ModelError, ModelStore
from napari_unets.widgets.parts.short_names import shown_titles
from napari_unets.widgets.parts.store_news import store_news

__all__ = ["ModelList"]

_NAME = int(Qt.ItemDataRole.UserRole)
_ROWS = 8


class ModelList(QListWidget):
    """Names the models, under a heading each for the bundled and the user's.

    Parameters
    ----------
    store : ModelStore
        Where they are.
    """

    #: Another model is chosen: its name, or an empty string.
    chosen = Signal(str)

    def __init__(self, store: ModelStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.cards: dict[str, ModelCard] = {}
        self.broken: dict[str, ModelError] = {}
        self.setMinimumHeight(_ROWS * (self.fontMetrics().height() + 6))
        self.currentItemChanged.connect(self._announce)
        store_news().changed.connect(self.refill)
        self.refill()

    @property
    def name(self) -> str:
        """Name of the chosen model; empty without one."""
        item = self.currentItem()
        return str(item.data(_NAME) or "") if item is not None else ""

    def choose(self, name: str) -> None:
        """Choose a model by its name; one that is not there is left alone."""
        for row in range(self.count()):
            item = self.item(row)
            if item is not None and item.data(_NAME) == name:
                self.setCurrentItem(item)

    def refill(self) -> None:
        """List the models as they are now; the choice is kept, if it is still there."""
        before = self.name
        blocked = self.blockSignals(True)
        self.clear()
        self.cards, self.broken = self._store.list()
        names = [*self.cards, *self.broken]
        own = [name for name in names if self._store.is_own(name)]
        self._add("With napari-unets", [name for name in names if name not in own])
        self._add("Yours", own)
        if trouble := self._store.trouble:
            self._head("Yours cannot be listed", trouble)
        self.choose(before)
        if not self.name and names:
            self.choose(names[0])
        self.blockSignals(blocked)
        self._announce()

    def _add(self, heading: str, names: list[str]) -> None:
        if not names:
            return
        titles = shown_titles(self.cards)
        self._head(heading)
        for name in names:
            card = self.cards.get(name)
            item = QListWidgetItem(f"  {name} (damaged)" if card is None else f"  {titles[name]}")
            item.setData(_NAME, name)
            item.setToolTip(str(self.broken[name]) if card is None else f"{name}: {card.summary}")
            self.addItem(item)

    def _head(self, heading: str, tip: str = "") -> None:
        title = QListWidgetItem(heading)
        title.setFlags(Qt.ItemFlag.NoItemFlags)
        title.setToolTip(tip)
        font = QFont(self.font())
        font.setBold(True)
        title.setFont(font)
        self.addItem(title)

    def _announce(self, *_: object) -> None:
        self.chosen.emit(self.name)
