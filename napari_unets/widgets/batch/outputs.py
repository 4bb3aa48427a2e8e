"""What a batch makes, where it goes, under which names, and what becomes of what is there."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.events import Existing
from napari_unets.jobs.outputs.naming import name_outputs
from napari_unets.jobs.outputs.settings import Kind
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.typed_path import typed_path

__all__ = ["BatchOutputs"]

_PATTERN = "{stem}_{model}{ext}"
_KINDS: dict[Kind, tuple[str, str]] = {
    "segmentation": ("Segmentation", "Class ids"),
    "probabilities": ("Probabilities", "Of class 1; with more than two classes, of each"),
    "instances": ("Instances", "The objects that class 1 separates, numbered"),
    "clean": ("Clean pages", "The ink of documents, black on white"),
}
_EXISTING: dict[Existing, tuple[str, str]] = {
    "resume": ("skip it if it still matches", "The rest is made anew, except what somebody has edited"),
    "refuse": ("do not begin", "Say which outputs are there, and compute nothing"),
    "overwrite": ("replace it", "Whatever it is"),
}
_FIELDS = (
    "{stem} the input's name, {ext} the usual suffix, {model}, {kind}, {parent} the input's folder, {number:03}. "
    "Name .ome.zarr for volumes."
)


class BatchOutputs(QObject):
    """Rows of a form: kind, folder, pattern, and what to do with outputs that are there."""

    #: Something was changed.
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind_box, self.existing_box = QComboBox(), QComboBox()
        for box, choices in ((self.kind_box, _KINDS), (self.existing_box, _EXISTING)):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            for value, (title, tip) in choices.items():
                box.addItem(title, value)
                box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText("folder for the results")
        self.pick = QPushButton("…")
        self.pick.setToolTip("Choose the folder")
        self.pick.setFixedWidth(32)
        self.pattern = QLineEdit(_PATTERN)
        self.pattern.setToolTip(_FIELDS)
        self.example = Note()
        self.pick.clicked.connect(self._pick_folder)
        for line in (self.folder, self.pattern):
            line.textChanged.connect(lambda _: self.changed.emit())
        for box in (self.kind_box, self.existing_box):
            box.currentIndexChanged.connect(lambda _: self.changed.emit())

    def add_rows(self, form: QFormLayout) -> None:
        """Add a row for each to a form."""
        place, names = QHBoxLayout(), QWidget()
        place.addWidget(self.folder, 1)
        place.addWidget(self.pick)
        column = QVBoxLayout(names)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.pattern)
        column.addWidget(self.example)
        form.addRow("Make", self.kind_box)
        form.addRow("Folder", place)
        form.addRow("Names", names)
        form.addRow("If there", self.existing_box)

    @property
    def kind(self) -> Kind:
        """What is made."""
        kind: Kind = self.kind_box.currentData()
        return kind

    @property
    def existing(self) -> Existing:
        """What becomes of outputs that are there."""
        existing: Existing = self.existing_box.currentData()
        return existing

    @property
    def place(self) -> Path | None:
        """The folder, once there is one."""
        text = self.folder.text().strip()
        return typed_path(text) if text else None

    def choose(self, kind: Kind | None = None, existing: Existing | None = None) -> None:
        """Choose what is made, or what becomes of what is there."""
        if kind is not None:
            self.kind_box.setCurrentIndex(self.kind_box.findData(kind))
        if existing is not None:
            self.existing_box.setCurrentIndex(self.existing_box.findData(existing))

    def show_example(self, source: str, model: str) -> None:
        """Show the name that an input's output gets, or what is wrong with the pattern."""
        try:
            (name,) = name_outputs([source], Path(), self.pattern.text(), model=model or "model", kind=self.kind)
        except NapariUnetsError as error:
            self.example.say(str(error), "error")
        else:
            self.example.say(f"{Path(source).name} → {name}")

    def _pick_folder(self) -> None:
        if name := QFileDialog.getExistingDirectory(self.folder, "Folder for the results", self.folder.text()):
            self.folder.setText(name)
