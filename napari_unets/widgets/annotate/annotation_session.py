"""The annotations that the widget works on: followed, kept safe, and found again after a crash."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_unets.widgets.annotate.annotation_layer import (
    added_classes,
    annotated_classes,
    annotation_layer,
    put_annotations,
    show_classes,
    take_up_brush,
)
from napari_unets.widgets.annotate.annotation_record import AnnotationRecord
from napari_unets.widgets.annotate.autosave import Autosave, Saved, left_behind, read_autosave
from napari_unets.widgets.parts.data_folder import data_folder
from napari_unets.widgets.parts.image_source import image_source

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from napari_unets.models import ClassInfo

__all__ = ["AnnotationSession"]

#: Where the annotations of each layer are kept, for as long as the layer is there.
_FILES: weakref.WeakKeyDictionary[Labels, Path] = weakref.WeakKeyDictionary()


class AnnotationSession(QObject):
    """Keeps a record and an autosave for each layer of annotations that is or was chosen.

    Parameters
    ----------
    viewer : ViewerModel
        Gets new layers.
    """

    #: What is painted in the present layer has changed, or another layer is the present one.
    changed = Signal()
    #: What is painted could not be kept on disk: the error.
    not_saved = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._records: dict[Labels, AnnotationRecord] = {}
        self._saves: dict[Labels, Autosave] = {}
        self._known: list[ClassInfo] = []
        self.layer: Labels | None = None
        self.image: Image | None = None

    @property
    def record(self) -> AnnotationRecord | None:
        """Of the present layer."""
        return self._records.get(self.layer) if self.layer is not None else None

    @property
    def classes(self) -> list[ClassInfo]:
        """The model's classes and those that were added."""
        return annotated_classes(self.layer, self._known)

    def new(self, image: Image, classes: Sequence[ClassInfo]) -> Labels:
        """Add a layer to paint on."""
        self._known = list(classes)
        layer = annotation_layer(image, classes)
        self._follow(layer, image, empty=True)
        take_up_brush(self._viewer, layer)
        return layer

    def choose(self, layer: Labels | None, image: Image | None, known: Sequence[ClassInfo]) -> None:
        """Take a layer as the present one, with the classes of the model that is to learn."""
        self._known = list(known)
        self.layer, self.image = layer, image
        if layer is not None and image is not None:
            if layer not in self._records:
                self._follow(layer, image, empty=False)
            if known:
                show_classes(layer, known, added_classes(layer))
        self._forget_removed()
        self.changed.emit()

    def add_class(self, added: ClassInfo) -> None:
        """Add a class to the present layer and take it up."""
        if self.layer is not None:
            show_classes(self.layer, self._known, [*self.classes, added])
            self.layer.selected_label = added.id
            self.changed.emit()

    def left_behind(self, image: Image) -> Saved | None:
        """Annotations of this image whose layer is gone: removed, or lost with a napari that has died."""
        shape = image_source(image).shape
        whole = shape if len(shape) > 2 else (1, *shape)
        return left_behind(data_folder() / "annotations", image.name, whole, set(_FILES.values()))

    def restore(self, saved: Saved, image: Image) -> Labels:
        """Put annotations of an earlier session into a layer.

        Raises
        ------
        AutosaveError
            If they cannot be read.
        """
        about, annotations = read_autosave(saved.path)
        layer = annotation_layer(image, self._known, about.classes)
        put_annotations(layer, annotations)
        record = self._follow(layer, image, empty=True)
        record.touch(annotations.by_plane)
        take_up_brush(self._viewer, layer)
        self._saves[layer].save(annotations, about.classes)
        self._saves[layer].wait()
        about.path.unlink(missing_ok=True)  # only now: they are in the new file
        return layer

    def close(self) -> None:
        """Read and save what was painted last, and follow nothing more."""
        with ExitStack() as closing:  # all of them, also if one cannot be read
            for layer, record in self._records.items():
                closing.callback(self._saves[layer].wait)
                closing.callback(self._let_go, layer, record)
            self._records = {}

    def _let_go(self, layer: Labels, record: AnnotationRecord) -> None:
        try:
            if record.must_be_saved:
                self._saves[layer].save(record.snapshot(), annotated_classes(layer, self._known))
        finally:
            record.close()

    def _follow(self, layer: Labels, image: Image, *, empty: bool) -> AnnotationRecord:
        record = AnnotationRecord(layer, empty=empty, parent=self)
        self._records[layer] = record
        save = Autosave(data_folder() / "annotations", image.name, self.not_saved.emit)
        save.path = _FILES.setdefault(layer, save.path)  # a widget opened again goes on with the same file
        self._saves[layer] = save
        record.changed.connect(self._read)
        return record

    def _read(self) -> None:
        for layer, record in self._records.items():
            if record is self.sender() and record.is_known:  # or it changes again, and soon
                self._saves[layer].save(record.snapshot(), annotated_classes(layer, self._known))
        self.changed.emit()

    def _forget_removed(self) -> None:
        for layer in [known for known in self._records if known not in self._viewer.layers and known is not self.layer]:
            record = self._records.pop(layer)
            self._let_go(layer, record)
            record.deleteLater()
            self._saves.pop(layer).wait()
            _FILES.pop(layer, None)  # from now on it is offered
