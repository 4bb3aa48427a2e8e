"""Put right what a file says wrongly or not at all: axes, voxel size, resolution level, dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtGui import QDoubleValidator
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLineEdit, QSpinBox, QWidget

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
        self.voxel = [QLineEdit() for _ in range(3)]
        voxel = QHBoxLayout()
        for line, axis in zip(self.voxel, "zyx", strict=True):
            line.setPlaceholderText(axis)
            line.setToolTip(f"Nanometres along {axis}; give all three or none")
            line.setValidator(QDoubleValidator(0.0, 1e9, 6))
            voxel.addWidget(line)
        self.dataset = QLineEdit()
        self.dataset.setToolTip("Path of the array inside an HDF5 file or Zarr group")
        self.level = QSpinBox()
        self.level.setToolTip("0 is the finest resolution")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Axes", self.axes)
        form.addRow("Voxel size (nm)", voxel)
        form.addRow("Dataset", self.dataset)
        form.addRow("Level", self.level)
        self._form = form
        for line in (self.axes, *self.voxel, self.dataset):
            line.editingFinished.connect(self._announce)
        self.level.valueChanged.connect(self._announce)
        self._last = self.keywords()

    def keywords(self) -> dict[str, Any]:
        """Keywords for :func:`napari_unets.open_stack`."""
        sizes = [line.text() for line in self.voxel]
        return {
            "axes": self.axes.text().strip() or None,
            "voxel_size_nm": [float(size) for size in sizes] if all(sizes) else None,
            "dataset": self.dataset.text().strip() or None,
            "level": self.level.value(),
        }

    def clear(self) -> None:
        """Leave everything as in the file."""
        for line in (self.axes, *self.voxel, self.dataset):
            line.clear()
        self.level.blockSignals(True)
        self.level.setValue(0)
        self.level.blockSignals(False)
        self._last = self.keywords()

    def show_found(self, stack: Stack) -> None:
        """Show what was found where nothing was corrected, and what makes sense to correct."""
        self.axes.setPlaceholderText(f"as found: {stack.axes}")
        found = [f"{size:g}" for size in stack.voxel_size_nm] if stack.voxel_size_nm is not None else list("zyx")
        for line, text in zip(self.voxel, found, strict=True):
            line.setPlaceholderText(text)
        self.level.setMaximum(max(0, stack.levels - 1))
        self._form.setRowVisible(self.level, stack.levels > 1)

    def show_dataset(self, wanted: bool) -> None:
        """Offer a path inside the file or not."""
        self._form.setRowVisible(self.dataset, wanted)

    def _announce(self) -> None:
        now = self.keywords()
        if now != self._last:
            self._last = now
            self.changed.emit()
