"""Choose a model of the store and see what it is."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_unets.models import ModelCard, ModelStore
from napari_unets.models.advice import network_advice
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.short_names import shown_titles
from napari_unets.widgets.parts.store_news import store_news

__all__ = ["ModelChoice"]


class _StoreBox(QComboBox):
    """Asks for the list again when it is opened, so that new models are in it."""

    about_to_open = Signal()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        self.about_to_open.emit()
        super().showPopup()


class ModelChoice(QWidget):
    """Combo box of the models in the store; below it the card's summary and the classes in their colours.

    A model whose card cannot be read is listed, cannot be chosen, and says why in its tool tip.

    Parameters
    ----------
    store : ModelStore
        Bundled and user's models.
    """

    #: Card of the chosen model, or None.
    model_changed = Signal(object)

    def __init__(self, store: ModelStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._cards: dict[str, ModelCard] = {}
        self._is_meant = False
        self.box = _StoreBox()
        self.box.setPlaceholderText("no model yet")
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.summary = Note()
        self._row = QHBoxLayout()
        self._row.addWidget(self.box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._row)
        layout.addWidget(self.summary)
        self.refill()
        self.box.about_to_open.connect(self.refill)
        store_news().changed.connect(self.refill)
        self.box.currentIndexChanged.connect(self._announce)
        self.box.activated.connect(self._mean_it)

    @property
    def name(self) -> str:
        """Name of the chosen model in the store; empty without one."""
        return str(self.box.currentData() or "")

    @property
    def card(self) -> ModelCard | None:
        """Card of the chosen model."""
        return self._cards.get(self.name)

    def put_beside(self, button: QPushButton) -> None:
        """Put a button to the right of the list."""
        self._row.addWidget(button)

    def choose(self, name: str) -> None:
        """Choose a model by its name; one that is not there is left alone."""
        self._mean_it()
        self.refill()
        if (index := self.box.findData(name)) >= 0:
            self.box.setCurrentIndex(index)

    def suggest(self, task: str, first: str = "") -> None:
        """Choose a model for a kind of images, unless a model for it is chosen or somebody has chosen one.

        Parameters
        ----------
        task : str
            What the model is to be for, as on its card.
        first : str
            Name of the model to be preferred to all others, chosen ones for the same task included.
        """
        fitting = [name for name, card in self._cards.items() if card.task == task]
        wanted = first if first in self._cards else next(iter(fitting), "")
        if wanted and not self._is_meant and (wanted == first or self.name not in fitting):
            self.box.setCurrentIndex(self.box.findData(wanted))

    def refill(self) -> None:
        """List the store's models as they are now; the choice stays with its model, also if that was renamed."""
        before, chosen = self.card, self.name
        self._cards, broken = self._store.list()
        if before is not None and before.has_weights and chosen not in self._cards:
            same = (name for name, card in self._cards.items() if card.weights_sha256 == before.weights_sha256)
            kept = next(same, chosen)
        else:
            kept = chosen
        blocked = self.box.blockSignals(True)
        self.box.clear()
        titles = shown_titles(self._cards)
        for name, card in self._cards.items():
            self.box.addItem(titles[name], name)
            tip = "\n".join(filter(None, [f"{name}: {card.summary}", _advice(card)]))
            self.box.setItemData(self.box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        for name, error in broken.items():
            self.box.addItem(f"{name} (damaged)", name)
            self.box.setItemData(self.box.count() - 1, str(error), Qt.ItemDataRole.ToolTipRole)
            self.box.setItemData(self.box.count() - 1, 0, Qt.ItemDataRole.UserRole - 1)  # item flags: none
        self.box.setCurrentIndex(max(0, self.box.findData(kept)) if self._cards else -1)
        self.box.setEnabled(bool(self._cards))
        self.box.blockSignals(blocked)
        if self.name == chosen:
            self._describe()
        else:
            self._announce(self.box.currentIndex())

    def _mean_it(self, _index: int = 0) -> None:
        self._is_meant = True

    def _announce(self, _index: int) -> None:
        self._describe()
        self.model_changed.emit(self.card)

    def _describe(self) -> None:
        card = self.card
        if card is None:
            self.summary.say(f"There is no model. Models are looked for in {self._store.user}", "warning")
            return
        classes = " &nbsp; ".join(
            f'<span style="color:{c.color}">■</span>&nbsp;{escape(c.name)}&nbsp;({c.id})' for c in card.classes
        )
        trained = f" Trained at {card.pixel_size_nm:g} nm a pixel." if card.pixel_size_nm else ""
        self.summary.say(f"{escape(card.summary.removesuffix('.'))}.{trained}<br>{classes}", rich=True)
        self.summary.setToolTip(card.description)


def _advice(card: ModelCard) -> str:
    """When to choose the model's network; nothing for a network that is not known here."""
    advice = network_advice(card.network)
    return advice and f"{card.network}: {advice}"
