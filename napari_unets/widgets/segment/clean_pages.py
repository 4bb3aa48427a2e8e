"""Save a segmented document as clean pages: PDF, TIFF or PNG, black on white or with the ink's own colour."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QFormLayout, QSizePolicy, QVBoxLayout, QWidget
from superqt.utils import create_worker

from napari_unets.images import as_stack
from napari_unets.widgets.files.page_writer import clean_pages
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.layer_choice import LayerChoice
from napari_unets.widgets.parts.result_layers import KEPT, METADATA_KEY, image_of, is_result
from napari_unets.widgets.parts.run_panel import RunPanel
from napari_unets.widgets.parts.view import current_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["CleanPages", "holds_ink", "picture_of"]

_FILTERS = {
    "PDF (*.pdf)": ".pdf",
    "TIFF, one bit a pixel: CCITT G4 (*.tif)": ".tif",
    "PNG, one bit a pixel (*.png)": ".png",
}
_SUFFIXES = (*_FILTERS.values(), ".tiff")


class CleanPages(QWidget):
    """Which labels layer, which pages, what colour; a button that asks for the file, and one that stops.

    The pages are written in a thread, and nothing half-written is left.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers to choose from.
    """

    #: There is a labels layer with ink, or none any more.
    offered = Signal(bool)
    #: Writing is over: whether the document is complete.
    saved = Signal(bool)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._stop = threading.Event()
        self._target = Path()
        self._total = 0
        self.layer = LayerChoice(viewer, holds_ink, "no segmentation with ink yet")
        self.which = QComboBox()
        self.which.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.which.addItems(["all pages", "the page shown"])
        self.colour = QCheckBox("The ink keeps its colour")
        self.panel = RunPanel("Save clean pages …", "pages")
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Ink of", self.layer)
        form.addRow("Pages", self.which)
        form.addRow("", self.colour)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.panel)
        self.layer.layer_changed.connect(self._look)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.renamed):
            emitter.connect(self._look_again)
        self.panel.run_clicked.connect(self._ask)
        self.panel.stop_clicked.connect(self._stop_writing)
        self._look(self.layer.layer)

    def _look(self, layer: Layer | None) -> None:
        picture = None if layer is None else picture_of(self._viewer, layer)
        self.panel.run.setEnabled(layer is not None and self.panel.bar.isHidden())
        self.colour.setEnabled(picture is not None)
        self.colour.setToolTip(
            "There is no image layer of the same size to take the colour from" if picture is None else picture.name
        )
        self.offered.emit(layer is not None)

    def _look_again(self, _event: object = None) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]  # the viewer outlives a dock that was closed
            self._look(self.layer.layer)

    def _ask(self) -> None:
        layer = self.layer.layer
        if layer is None:
            return
        picture = picture_of(self._viewer, layer)
        stem = layer.name if picture is None else picture.name
        folder = _folder_of(picture)
        name, chosen = QFileDialog.getSaveFileName(
            self, "Save clean pages", str(folder / f"{stem}-clean.pdf"), ";;".join(_FILTERS)
        )
        if name:
            suffix = "" if Path(name).suffix.lower() in _SUFFIXES else _FILTERS.get(chosen, ".pdf")
            self.save(Path(f"{name}{suffix}"))

    def save(self, path: Path) -> None:
        """Begin to write the chosen layer's pages to a file, which is replaced."""
        layer = self.layer.layer
        if layer is None:
            return
        picture = picture_of(self._viewer, layer)
        ids = layer.data[0] if layer.multiscale else layer.data
        about = {} if picture is None else {key: picture.metadata[key] for key in KEPT if key in picture.metadata}
        colours = None
        if picture is not None and self.colour.isChecked():
            source = image_source(picture)
            colours = as_stack(source.data, rgb=source.rgb, name=picture.name)
        self._stop.clear()
        self._target = path
        self._total = 1 if self.which.currentIndex() else math.prod(ids.shape[:-2])
        # _ignore_errors: they are shown here, and not by napari a second time
        worker: Any = create_worker(
            clean_pages,
            path,
            as_stack(ids, rgb=False, name=layer.name),
            {**about, **layer.metadata},
            picture=colours,
            planes=self._planes(layer, ids.shape),
            cancel=self._stop.is_set,
            _ignore_errors=True,
        )
        worker.yielded.connect(self._progress)
        worker.returned.connect(self._done)
        worker.errored.connect(self._failed)
        self.panel.start(f"Writing {path.name} …")
        worker.start()

    def _planes(self, layer: Layer, shape: Sequence[int]) -> list[int] | None:
        return [current_plane(self._viewer, layer, tuple(shape))] if self.which.currentIndex() else None

    def _progress(self, done: int) -> None:
        self.panel.progress(done, self._total, None)

    def _stop_writing(self) -> None:
        self.panel.stopping()
        self._stop.set()

    def _done(self, complete: bool) -> None:
        if complete:
            self.panel.finish(f"Saved {self._target}", "good")
        else:
            self.panel.finish("Stopped. Nothing was written.")
        self.saved.emit(complete)

    def _failed(self, error: Exception) -> None:
        self.panel.finish(str(error), "error")
        self.saved.emit(False)
        announce(error)


def holds_ink(layer: Layer) -> bool:
    """Whether a layer is a segmentation or annotation whose class 1 is ink."""
    if not isinstance(layer, Labels):
        return False
    made = layer.metadata.get(METADATA_KEY)
    if isinstance(made, dict) and made.get("classes"):
        return bool(made.get("output") == "segmentation" and made["classes"][0]["name"] == "ink")
    names = list(layer.features.get("class", ()))
    return len(names) > 1 and names[1] == "ink"


def picture_of(viewer: ViewerModel, labels: Layer) -> Image | None:
    """Return the image that a labels layer was made of, or is named after, or else the topmost of the same size."""
    shape = tuple((labels.data[0] if labels.multiscale else labels.data).shape)
    made = labels.metadata.get(METADATA_KEY)
    name = made.get("image") if isinstance(made, dict) else None
    fit = [one for one in viewer.layers if isinstance(one, Image) and not is_result(one)]
    fit = [one for one in fit if image_source(one).shape == shape]
    made_of = image_of(labels)
    named = (one for one in reversed(fit) if one.name == name)
    return next((one for one in fit if one is made_of), next(named, fit[-1] if fit else None))


def _folder_of(picture: Image | None) -> Path:
    """Beside the document, if it is known where that is."""
    path = None if picture is None else picture.metadata.get("path") or picture.source.path
    return Path(path).parent if path else Path()
