"""Which pages of a document, and how many pixels an inch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QLineEdit, QWidget

from napari_unets.images.opening import TIFF_SUFFIXES
from napari_unets.images.pages import page_files
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.widgets.opening.number_line import NumberLine
from napari_unets.widgets.parts.form_rows import show_row

if TYPE_CHECKING:
    from napari_unets.images import Stack

__all__ = ["PageFields"]


class PageFields(QWidget):
    """Two lines, shown for what has pages: PDFs, folders with PDFs, and TIFF files of several pages."""

    #: Something else is asked for, so that the file is to be opened anew.
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_tiff = False
        self.pages = QLineEdit()
        self.pages.setToolTip("Numbers and ranges, the first page being 1: 1-3,7 or 5-")
        self.dpi = NumberLine(1e5, 3)
        self.dpi.setPlaceholderText("of the scan, or 300")
        self.dpi.setToolTip("Pixels an inch in which pages are rendered; of a page that is a scan, best left empty")
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.addRow("Pages", self.pages)
        self._form.addRow("Resolution (dpi)", self.dpi)
        for line in (self.pages, self.dpi):
            line.editingFinished.connect(self._announce)
        self._last = self.keywords()
        self.hide()

    def keywords(self) -> dict[str, Any]:
        """Keywords for :func:`napari_unets.open_stack`; what is left empty is not in them."""
        pages, dpi = self.pages.text().strip(), self.dpi.number
        return ({"pages": pages} if pages else {}) | ({"dpi": dpi} if dpi is not None else {})

    def show_for(self, path: Path) -> None:
        """Begin with another file: ask for nothing, and show what it may have."""
        for line in (self.pages, self.dpi):
            line.clear()
        self.pages.setPlaceholderText("all")
        self._last = self.keywords()
        self._is_tiff = path.suffix.lower() in TIFF_SUFFIXES
        rendered = _has_pdf(path)
        show_row(self._form, self.dpi, rendered)
        self.setVisible(rendered)

    def show_found(self, stack: Stack) -> None:
        """Show how many pages there are; a TIFF of several pages has them too, unless it is a stack with voxels."""
        if self.pages.text():
            return
        if stack.n_planes > 1:
            self.pages.setPlaceholderText(f"all: 1-{stack.n_planes}")
        if self._is_tiff:
            self.setVisible(stack.n_planes > 1 and stack.voxel_size_nm is None and stack.levels == 1)

    def _announce(self) -> None:
        now = self.keywords()
        if now != self._last:
            self._last = now
            self.changed.emit()


def _has_pdf(path: Path) -> bool:
    if path.is_dir():
        return any(file.suffix.lower() in PDF_SUFFIXES for file in page_files(path))
    return path.suffix.lower() in PDF_SUFFIXES
