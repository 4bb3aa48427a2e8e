"""Put right what a file says wrongly or not at all, and choose a part of it: level, dataset, channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLineEdit, QSpinBox, QWidget

from napari_unets.widgets.opening.number_line import NumberLine
from napari_unets.widgets.parts.form_rows import show_row
from napari_unets.widgets.parts.notes import Note

if TYPE_CHECKING:
    from napari_unets.images import Stack

__all__ = ["Corrections"]


class Corrections(QWidget):
    """Form of the keywords of :func:`napari_unets.open_stack`; what is left empty stays as in the file."""

    #: Something was changed, so that the file is to be opened anew.
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.axes = QLineEdit()
        self.axes.setToolTip("One letter an axis as stored: t, c, z, y, x, and s for colour samples")
        self.voxel = [NumberLine(1e9, 6) for _ in range(3)]
        self.missing = Note()
        self._found: Sequence[float] | None = None  # by the file itself
        voxel = QHBoxLayout()
        for field, axis in zip(self.voxel, "zyx", strict=True):
            field.setPlaceholderText(axis)
            field.setToolTip(f"Nanometres along {axis}; what is left empty stays as in the file")
            voxel.addWidget(field)
        self.dataset = QLineEdit()
        self.dataset.setToolTip("Path of the array inside an HDF5 file or Zarr group")
        self.channel = QLineEdit()
        self.channel.setPlaceholderText("all")
        self.channel.setToolTip("One of the channels alone: its name in the file, or its number from 1")
        self.level = QSpinBox()
        self.level.setToolTip("0 is the finest resolution")
        self.invert = QCheckBox("Exchange bright and dark")
        self.invert.setToolTip("For sections whose membranes are bright, and for negatives")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Axes", self.axes)
        form.addRow("Voxel size (nm)", voxel)
        form.addRow(self.missing)
        form.addRow("Dataset", self.dataset)
        form.addRow("Channel", self.channel)
        form.addRow("Level", self.level)
        form.addRow(self.invert)
        self._form = form
        for line in (self.axes, *self.voxel, self.dataset, self.channel):
            line.editingFinished.connect(self._announce)
        self.level.valueChanged.connect(self._announce)
        self.invert.toggled.connect(self._announce)
        self._last = self.keywords()

    def keywords(self) -> dict[str, Any]:
        """Keywords for :func:`napari_unets.open_stack`."""
        return {
            "axes": self.axes.text().strip() or None,
            "voxel_size_nm": self._sizes(),
            "dataset": self.dataset.text().strip() or None,
            "channel": self.channel.text().strip() or None,
            "level": self.level.value(),
            "invert": self.invert.isChecked(),
        }

    def clear(self) -> None:
        """Leave everything as in the file."""
        for line in (self.axes, *self.voxel, self.dataset, self.channel):
            line.clear()
        with QSignalBlocker(self.level), QSignalBlocker(self.invert):
            self.level.setValue(0)
            self.invert.setChecked(False)
        self._found = None
        self.missing.say("")
        self._last = self.keywords()

    def show_found(self, stack: Stack) -> None:
        """Show what was found where nothing was corrected, and what makes sense to correct."""
        self.axes.setPlaceholderText(f"as found: {stack.axes}")
        if self._sizes() is None:
            self._found = stack.voxel_size_nm
        found = [f"{size:g}" for size in self._found] if self._found is not None else list("zyx")
        for line, text in zip(self.voxel, found, strict=True):
            line.setPlaceholderText(text)
        self.level.setMaximum(max(0, stack.levels - 1))
        show_row(self._form, self.level, stack.levels > 1)
        show_row(self._form, self.channel, "c" in stack.axes or bool(self.channel.text()))

    def show_dataset(self, wanted: bool) -> None:
        """Offer a path inside the file or not."""
        show_row(self._form, self.dataset, wanted)

    def _sizes(self) -> list[float] | None:
        """Voxel size, with what is left empty as the file says; None where nothing is said, or not enough."""
        typed = [line.number for line in self.voxel]
        known = [old if new is None else new for new, old in zip(typed, self._found or (None,) * 3, strict=True)]
        sizes = [size for size in known if size is not None]
        return sizes if len(sizes) == len(known) and typed != [None] * 3 else None

    def _announce(self) -> None:
        typed = any(line.text() for line in self.voxel)
        said = "The file says no voxel size: give all three." if typed and self._sizes() is None else ""
        self.missing.say(said, "warning")
        now = self.keywords()
        if now != self._last:
            self._last = now
            self.changed.emit()
