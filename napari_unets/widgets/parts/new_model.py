"""Make a model that has learnt nothing yet, for what no model knows: a button, and what it asks."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import create_worker

from napari_unets.models import model_name
from napari_unets.models.advice import network_advice
from napari_unets.models.untrained import SUGGESTED_SETTINGS
from napari_unets.widgets.parts.model_command import make_in_process
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.store_news import store_news

__all__ = ["NewModelButton", "NewModelDialog"]

_WIDEST = 512


class NewModelDialog(QDialog):
    """Asks for a name, the classes, and the network."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("New model")
        self.name = QLineEdit()
        self.name.setPlaceholderText("my-model")
        self.classes = QLineEdit("object, background")
        self.classes.setToolTip(
            "Names of the classes that are to be told apart, with commas between them; two at least"
        )
        self.images = QComboBox()
        self.images.addItem("grey", False)
        self.images.addItem("in colour", True)
        self.network = QComboBox()
        self.network.addItems(list(SUGGESTED_SETTINGS))
        self.features = QSpinBox()
        self.features.setRange(1, _WIDEST)
        self.features.setToolTip("Feature maps of the first level: fewer are faster, more can learn more")
        self.advice = Note()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        form = QFormLayout()
        form.addRow("Name", self.name)
        form.addRow("Classes", self.classes)
        form.addRow("Images are", self.images)
        form.addRow("Network", self.network)
        form.addRow("Width", self.features)
        layout = QVBoxLayout(self)
        layout.addWidget(Note("It has learnt nothing yet: paint some of each class, and let it learn from that."))
        layout.addLayout(form)
        layout.addWidget(self.advice)
        layout.addWidget(self.buttons)
        self.network.currentTextChanged.connect(self._suit_network)
        self.name.textChanged.connect(self._refresh)
        self.classes.textChanged.connect(self._refresh)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._suit_network(self.network.currentText())
        self._refresh()

    @property
    def class_names(self) -> list[str]:
        """The classes, in their order."""
        return [name for part in self.classes.text().split(",") if (name := part.strip())]

    @property
    def settings(self) -> dict[str, Any]:
        """Keywords of the network that are not left as they are."""
        return {"width": self.features.value()} if self.features.isEnabled() else {}

    def _suit_network(self, name: str) -> None:
        width = SUGGESTED_SETTINGS[name].get("width")
        self.features.setEnabled(width is not None)
        self.features.setValue(width or 1)
        self.advice.say(network_advice(name))

    def _refresh(self, _: str = "") -> None:
        button = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert button is not None  # noqa: S101 - it was asked for
        button.setEnabled(bool(self.name.text().strip()) and len(self.class_names) > 1)


class NewModelButton(QPushButton):
    """Opens the dialog, and makes the model in another process; torch takes seconds to be loaded."""

    #: The model is in the store: its name.
    made = Signal(str)
    #: It could not be made: the error.
    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("New …", parent)
        self.setToolTip("Make a model with random weights, for what no model knows yet")
        self.dialog: NewModelDialog | None = None
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        self.dialog = NewModelDialog(self)
        self.dialog.accepted.connect(self._make)
        self.dialog.open()

    def _make(self) -> None:
        asked = self.dialog
        if asked is None:
            return
        make = partial(
            make_in_process,
            model_name(asked.name.text()),
            asked.network.currentText(),
            asked.class_names,
            asked.settings,
            rgb=asked.images.currentData(),
        )
        self.setEnabled(False)
        # _ignore_errors: whoever has the button shows them, and not napari a second time
        worker: Any = create_worker(make, _ignore_errors=True)
        worker.returned.connect(self._done)
        worker.errored.connect(self._failed)
        worker.start()

    def _done(self, name: str) -> None:
        self.setEnabled(True)
        store_news().changed.emit()
        self.made.emit(name)

    def _failed(self, error: Exception) -> None:
        self.setEnabled(True)
        self.failed.emit(error)
