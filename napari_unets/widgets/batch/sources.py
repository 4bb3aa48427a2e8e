"""Name the inputs of a batch: files, folders, patterns; typed, picked or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import create_worker

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.sources import find_sources
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.typed_path import typed_path

__all__ = ["BatchSources"]

_FILTERS = (
    "Images and documents (*.tif *.tiff *.h5 *.hdf5 *.mrc *.rec *.map *.png *.jpg *.jpeg *.bmp *.webp *.pdf);;"
    "All files (*)"
)


class BatchSources(QWidget):
    """A line for paths and patterns, buttons for files and a folder, and what a folder means.

    Folders are searched in another thread: on a network drive that takes a while.
    """

    #: Inputs were found: their paths.
    found = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText("path or pattern: scans/*.tif")
        self.line.setAcceptDrops(False)  # dropped files go into the queue
        self.add = QPushButton("Add")
        self.files = QPushButton("Files …")
        self.folder = QPushButton("Folder …")
        self.as_stack = QRadioButton("is one stack")
        self.as_images = QRadioButton("is many images")
        self.as_stack.setToolTip("The images in a folder are the planes of one stack, and have one result")
        self.as_images.setToolTip("Each image in a folder is an input of its own. For clean pages it always is")
        self.as_stack.setChecked(True)
        self.note = Note()
        self._looking = 0  # searches that have not come to their end
        self._failed = False  # whether one of those that overlap has failed
        self._lay_out()
        self.line.returnPressed.connect(self._typed)
        self.add.clicked.connect(self._typed)
        self.files.clicked.connect(self._pick_files)
        self.folder.clicked.connect(self._pick_folder)

    def _lay_out(self) -> None:
        typed, picked, means = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        typed.addWidget(self.line, 1)
        typed.addWidget(self.add)
        picked.addWidget(self.files)
        picked.addWidget(self.folder)
        self._group = QButtonGroup(self)
        means.addWidget(Note("A folder"))
        for button in (self.as_stack, self.as_images):
            self._group.addButton(button)
            means.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for row in (typed, picked, means):
            layout.addLayout(row)
        layout.addWidget(self.note)

    def look(self, names: Sequence[str]) -> None:
        """Find the inputs that are meant; :attr:`found` or the note below tells them."""
        if not self._looking:
            self._failed = False
        self._looking += 1
        if not self._failed:
            self.note.say("Looking …")
        # _ignore_errors: they are shown here, and not by napari a second time
        worker: Any = create_worker(find_sources, list(names), each=self.as_images.isChecked(), _ignore_errors=True)
        worker.returned.connect(self._tell)
        worker.errored.connect(self._fail)
        worker.start()

    def _tell(self, sources: list[str]) -> None:
        self._looking -= 1
        if not self._looking and not self._failed:  # what went wrong with another one is still to be read
            self.note.say("")
        self.found.emit(sources)

    def _fail(self, error: Exception) -> None:
        self._looking -= 1
        self._failed = True
        if not isinstance(error, NapariUnetsError | OSError):
            raise error
        self.note.say(str(error), "error")

    def _typed(self) -> None:
        if text := self.line.text().strip():
            self.line.clear()
            self.look([str(typed_path(text)) if text.startswith("~") else text])

    def _pick_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Add images and documents", "", _FILTERS)
        if names:
            self.look(names)

    def _pick_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Add a folder of images, or an OME-Zarr")
        if name:
            self.look([name])
