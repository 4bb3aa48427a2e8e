"""A path, typed or picked."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_unets.widgets.parts.typed_path import typed_path

__all__ = ["PathRow"]


class PathRow(QWidget):
    """Line for a path with buttons for a file and for a folder; files can be dropped on it.

    Parameters
    ----------
    filters : str
        File types, as Qt's file dialogue takes them.
    """

    #: A path was typed (and confirmed), picked or dropped.
    path_chosen = Signal(object)

    def __init__(self, filters: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filters = filters
        self._last = ""
        self.setAcceptDrops(True)
        self.line = QLineEdit()
        self.line.setPlaceholderText("path, or drop a file here")
        self.file = QPushButton("File …")
        self.folder = QPushButton("Folder …")
        self.folder.setToolTip("A folder of images, in natural order, or an OME-Zarr")
        buttons = QHBoxLayout()
        buttons.addWidget(self.file)
        buttons.addWidget(self.folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.line)
        layout.addLayout(buttons)
        self.line.returnPressed.connect(self._confirmed)
        self.line.editingFinished.connect(self._typed)
        self.file.clicked.connect(self._pick_file)
        self.folder.clicked.connect(self._pick_folder)

    def choose(self, path: Path) -> None:
        """Take a path as if it had been typed."""
        self.line.setText(str(path))
        self._last = self.line.text()
        self.line.setToolTip(self._last)
        self.path_chosen.emit(path)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Accept files."""
        if event is not None and _dropped(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take the first file."""
        if event is not None and (path := _dropped(event)) is not None:
            self.choose(path)

    def _confirmed(self) -> None:
        """Take the path anew: what is there may be another file by now."""
        self._last = ""
        self._typed()

    def _typed(self) -> None:
        text = self.line.text().strip()
        if text and text != self._last:
            self.choose(typed_path(text))

    def _pick_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open an image or stack", self.line.text(), self._filters)
        if path:
            self.choose(Path(path))

    def _pick_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Open a folder of images or an OME-Zarr", self.line.text())
        if path:
            self.choose(Path(path))


def _dropped(event: QDropEvent) -> Path | None:
    """Return the first file of this computer; None of a picture out of a browser, say, which has an address only."""
    mime = event.mimeData()
    urls = [] if mime is None else mime.urls()
    return next((Path(url.toLocalFile()) for url in urls if url.isLocalFile()), None)
