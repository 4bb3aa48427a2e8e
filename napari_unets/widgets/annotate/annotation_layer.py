"""The Labels layer that annotations are painted into."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from dask.base import is_dask_collection
from napari.layers import Labels
from numpy.typing import NDArray

from napari_unets.models import ClassInfo
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.result_array import new_result_array
from napari_unets.widgets.parts.result_layers import (
    METADATA_KEY,
    image_placement,
    is_result,
    show_class_colours,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

    from napari_unets.learning import SparseAnnotations

__all__ = [
    "added_classes",
    "annotated_classes",
    "annotation_layer",
    "can_be_annotations",
    "fill_plane",
    "is_annotations",
    "n_planes",
    "note_painted",
    "painted_for",
    "painted_on",
    "plane_of",
    "planes_shape",
    "put_annotations",
    "refuses_ids",
    "show_classes",
    "take_up_brush",
]

_BRUSH = 6
_CLASSES_WITH_KEYS = 9
#: Which image annotations were painted on last, and for which model of the store.
_PAINTED_ON: weakref.WeakKeyDictionary[Labels, weakref.ref[Image]] = weakref.WeakKeyDictionary()
_PAINTED_FOR: weakref.WeakKeyDictionary[Labels, str] = weakref.WeakKeyDictionary()


def annotation_layer(image: Image, known: Sequence[ClassInfo], added: Sequence[ClassInfo] = ()) -> Labels:
    """Make an empty layer for annotations that lies where the image lies.

    Keys 1, 2, … choose a class while the layer is selected, and 0 erases.
    """
    shape = image_source(image).shape
    layer = Labels(
        new_result_array(shape, np.uint8),
        name=f"{image.name} · annotations",
        opacity=0.8,
        metadata={METADATA_KEY: {"image": image.name}},
        **image_placement(image),
    )
    show_classes(layer, known, added)
    layer.brush_size = _BRUSH
    layer.selected_label = 1
    return layer


def take_up_brush(viewer: ViewerModel, layer: Labels) -> None:
    """Put a layer on top of all, select it, and put the brush in hand."""
    viewer.add_layer(layer)
    viewer.layers.selection = {layer}
    layer.mode = "paint"


def can_be_annotations(layer: Layer) -> bool:
    """Whether a layer may be taken for annotations: labels, also the class ids that a model has made."""
    made = layer.metadata[METADATA_KEY]["output"] if is_result(layer) else "segmentation"
    return isinstance(layer, Labels) and not layer.multiscale and made == "segmentation"


def is_annotations(layer: Layer) -> bool:
    """Whether a layer was made for annotations, or was taken for them: any other labels are the user's own."""
    return "annotations" in layer.metadata.get(METADATA_KEY, {})


def show_classes(layer: Labels, known: Sequence[ClassInfo], added: Sequence[ClassInfo] = ()) -> None:
    """Give a layer the names, colours and keys of a model's classes and of those that were added to it.

    ``added`` (see :func:`added_classes`) stays with the layer, whatever models are looked at meanwhile.
    """
    classes = [*known, *added[len(known) :]]
    about = {
        "annotations": True,
        "classes": [c.model_dump() for c in classes],
        "added": [c.model_dump() for c in added],
    }
    # Not set as a whole: napari would give it to all layers that are linked to this one.
    layer.metadata[METADATA_KEY] = {**layer.metadata.get(METADATA_KEY, {}), **about}
    show_class_colours(layer, classes)
    for number in range(min(len(classes), _CLASSES_WITH_KEYS) + 1):
        layer.bind_key(str(number), _chooser(number), overwrite=True)


def annotated_classes(layer: Labels | None, known: Sequence[ClassInfo]) -> list[ClassInfo]:
    """Classes of a model and, after them, those that the layer has beyond them since one was added to it."""
    return [*known, *added_classes(layer)[len(known) :]]


def added_classes(layer: Labels | None) -> list[ClassInfo]:
    """All classes that a layer had when one was added to it last; empty if none was."""
    added = layer.metadata.get(METADATA_KEY, {}).get("added", []) if layer is not None else []
    return [ClassInfo.model_validate(c) for c in added]


def note_painted(layer: Labels, image: Image, model: str) -> None:
    """Note on what and for which model of the store a layer is painted, for the widget that is opened again."""
    _PAINTED_ON[layer] = weakref.ref(image)
    if model:
        _PAINTED_FOR[layer] = model


def painted_on(layer: Layer | None) -> Image | None:
    """Return the image that a layer was painted on last; None if that is not known, or the image is no more."""
    reference = _PAINTED_ON.get(layer) if isinstance(layer, Labels) else None
    return None if reference is None else reference()


def painted_for(layer: Labels | None) -> str:
    """Name of the model that a layer was painted for last; empty if that is not known."""
    return "" if layer is None else _PAINTED_FOR.get(layer, "")


def planes_shape(layer: Labels) -> tuple[int, ...]:
    """Shape of a layer's annotations as a stack: at least one plane."""
    shape = tuple(int(n) for n in layer.data.shape)
    return shape if len(shape) > 2 else (1, *shape)


def plane_of(layer: Labels, number: int) -> NDArray[Any]:
    """Plane of a layer, counted over every axis before y; of an array in memory this is a view."""
    leading = layer.data.shape[:-2]
    index = np.unravel_index(number, leading) if leading else ()
    return np.asarray(layer.data[tuple(int(i) for i in index)])


def refuses_ids(layer: Labels) -> bool:
    """Whether class ids cannot be written into a layer: its array is computed, or is read from a file."""
    data = layer.data
    return not data.flags.writeable if isinstance(data, np.ndarray) else is_dask_collection(data)


def fill_plane(layer: Labels, number: int, ids: NDArray[np.uint8], window: tuple[slice, slice] | None = None) -> int:
    """Write class ids where nothing is painted yet on a plane, as one step to be undone; return how many."""
    rows, columns = window or (slice(0, ids.shape[0]), slice(0, ids.shape[1]))
    free = (plane_of(layer, number)[rows, columns] == 0) & (ids[rows, columns] > 0)
    y, x = np.nonzero(free)
    leading = layer.data.shape[:-2]
    index = np.unravel_index(number, leading) if leading else ()
    whole = (*(np.full(len(y), i) for i in index), y + rows.start, x + columns.start)
    if len(y):
        layer.data_setitem(whole, ids[rows, columns][free])
        layer.refresh()
    return len(y)


def put_annotations(layer: Labels, annotations: SparseAnnotations) -> None:
    """Write annotations that were kept elsewhere into a layer of their shape."""
    flat = layer.data.reshape(-1, *layer.data.shape[-2:])
    for number, plane in annotations.by_plane.items():
        flat[number] = plane
    layer.refresh()


def n_planes(layer: Labels) -> int:
    """Return the number of planes of a layer."""
    return math.prod(layer.data.shape[:-2])


def _chooser(number: int) -> Any:
    def choose(layer: Labels) -> None:
        layer.selected_label = number
        layer.mode = "paint"

    choose.__doc__ = f"Paint class {number}." if number else "Erase: paint 'not annotated'."
    return choose
