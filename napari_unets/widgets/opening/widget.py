"""Open widget: what is in a file, corrected where need be, as a layer."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dask.base import is_dask_collection
from napari.layers import Layer
from qtpy.compat import isalive
from qtpy.QtWidgets import QButtonGroup, QFormLayout, QHBoxLayout, QPushButton, QRadioButton
from superqt.utils import create_worker

from napari_unets.images import ImageError, Stack
from napari_unets.widgets.files.readers import READ_AT_ONCE, open_padded
from napari_unets.widgets.files.stack_layer import stack_layer_data
from napari_unets.widgets.files.stack_summary import stack_summary
from napari_unets.widgets.opening.corrections import Corrections
from napari_unets.widgets.opening.page_fields import PageFields
from napari_unets.widgets.opening.path_row import PathRow
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.fold import Fold
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.typed_path import typed_path

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["OpenWidget"]

_FILTERS = (
    "Images, stacks and documents "
    "(*.tif *.tiff *.ome.tif *.h5 *.hdf5 *.mrc *.rec *.map *.png *.jpg *.jpeg *.bmp *.pdf *.json);;"
    "All files (*)"
)
_WITH_DATASETS = {".h5", ".hdf5", ".hdf", ".zarr", ".n5", ".nwb"}


class OpenWidget(Panel):
    """Pick a file or folder, see what was understood of it, correct it, open it lazily as a layer.

    Parameters
    ----------
    napari_viewer : Viewer
        Gets the layers.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._stack: Stack | None = None
        self._asked = 0
        self.path = PathRow(_FILTERS)
        self.understood = Note("Pick a stack, an image, or a folder of images.")
        self.pages = PageFields()
        self.corrections = Corrections()
        self.as_image = QRadioButton("Image")
        self.as_labels = QRadioButton("Labels")
        self.as_image.setChecked(True)
        self.open = QPushButton("Open")
        self.open.setStyleSheet("font-weight: bold;")
        self._lay_out()
        self._offer(None)
        self.path.path_chosen.connect(self._new_path)
        self.pages.changed.connect(self._look)
        self.corrections.changed.connect(self._look)
        self.open.clicked.connect(self._open_layer)

    def _lay_out(self) -> None:
        self.fold = Fold("Corrections", self.corrections)
        kinds = QHBoxLayout()
        self._kinds = QButtonGroup(self)
        for button in (self.as_image, self.as_labels):
            self._kinds.addButton(button)
            kinds.addWidget(button)
        kinds.addStretch()
        bottom = QFormLayout()
        bottom.addRow("As", kinds)
        for part in (self.path, self.pages, self.understood, self.fold):
            self.column.addWidget(part)
        self.column.addLayout(bottom)
        self.column.addWidget(self.open)

    def _new_path(self, path: Path) -> None:
        self.corrections.clear()
        self.pages.show_for(path)
        self.corrections.show_dataset(bool(_WITH_DATASETS & set(path.suffixes)))
        self._look()

    def _look(self) -> None:
        """Open the file in the background; only the answer to the latest question counts."""
        text = self.path.line.text().strip()
        if not text:
            return
        self._asked += 1
        self._offer(None)
        self.understood.say("Looking …")
        # _ignore_errors: they are shown here, and not by napari a second time
        keywords = self.corrections.keywords() | self.pages.keywords()
        worker: Any = create_worker(open_padded, typed_path(text), _ignore_errors=True, **keywords)
        worker.returned.connect(partial(self._found, self._asked))
        worker.errored.connect(partial(self._failed, self._asked))
        worker.start()

    def _found(self, asked: int, stack: Stack) -> None:
        if asked != self._asked or not isalive(self):  # type: ignore[no-untyped-call]  # it may be closed by now
            stack.close()
            return
        lines = "".join(
            f"<tr><td><b>{name}</b>&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
            for name, text in stack_summary(stack).items()
        )
        self.understood.say(f"<table>{lines}</table>", rich=True)
        (self.as_labels if stack.is_labels else self.as_image).setChecked(True)
        self.as_labels.setEnabled(stack.dtype.kind in "bui" and not stack.is_rgb)
        self.corrections.show_found(stack)
        self.pages.show_found(stack)
        self._offer(stack)

    def _failed(self, asked: int, error: Exception) -> None:
        if asked != self._asked or not isalive(self):  # type: ignore[no-untyped-call]
            return
        announce(error)
        self.understood.say(str(error), "error")

    def _offer(self, stack: Stack | None) -> None:
        self._stack = stack
        self.open.setEnabled(stack is not None)

    def _open_layer(self) -> None:
        if self._stack is None:
            return
        data, keywords, kind = stack_layer_data(self._stack, "labels" if self.as_labels.isChecked() else "image")
        if kind == "labels" and self._stack.nbytes <= READ_AT_ONCE and is_dask_collection(data):
            try:
                data = data.compute()  # what is painted then stays quick, and "From prediction" can write there
            except ImageError as error:
                self._failed(self._asked, error)
                return
        self._viewer.add_layer(Layer.create(data, keywords, kind))
