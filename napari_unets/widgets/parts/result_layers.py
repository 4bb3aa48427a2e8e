"""Layers of results: made beside the image they belong to, and used again by the next run."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.experimental import unlink_layers
from napari.layers import Image, Labels
from napari.utils.colormaps import CyclicLabelColormap, label_colormap
from numpy.typing import NDArray

from napari_unets.jobs.tasks.segmentation import Output
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.result_array import new_result_array, pyramid

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unets.models import ClassInfo, ModelCard

__all__ = [
    "KEPT",
    "METADATA_KEY",
    "ResultLayer",
    "class_colormap",
    "class_features",
    "image_of",
    "is_no_result",
    "is_result",
    "is_untouched",
    "result_layer",
    "shear_matrix",
    "show_class_colours",
]

#: Where a layer's metadata keep what this package knows about it.
METADATA_KEY = "napari_unets"

#: What the metadata of an image say of its pages, which a result needs to be saved as a document.
KEPT = ("dpi", "pages")

_DTYPES: dict[Output, type[np.generic]] = {
    "segmentation": np.uint8,
    "probabilities": np.float32,
    "instances": np.uint32,
}


@dataclass(frozen=True)
class ResultLayer:
    """A layer and the array that it shows, which is what a run writes into.

    Attributes
    ----------
    output : str
        What it holds.
    layer : Layer
        Labels of class ids or of objects, or an image of probabilities.
    array : ndarray
        The layer's shape; probabilities of more than two classes have the class as a further first axis.
    """

    output: Output
    layer: Layer
    array: NDArray[Any]

    def renumbered(self, objects: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Continue the numbers of the objects that this layer has had, so that none comes twice in it."""
        highest = _HIGHEST.get(self.layer, 0)
        _HIGHEST[self.layer] = highest + int(objects.max(initial=0))
        return np.where(objects > 0, objects + np.uint32(highest), np.uint32(0))

    @property
    def planes(self) -> NDArray[Any]:
        """The same array as planes: ``(plane, y, x)``, or ``(class, plane, y, x)`` where it has classes."""
        leading = (len(self.array),) if self.has_classes else ()
        return self.array.reshape(*leading, -1, *self.array.shape[-2:])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image that this belongs to: without the axis of classes."""
        return self.array.shape[1:] if self.has_classes else self.array.shape

    @property
    def has_classes(self) -> bool:
        """Whether the first axis is the class."""
        return bool(self.layer.metadata[METADATA_KEY]["class_axis"])


#: For each image layer: its results by model and output. Nothing here keeps a layer alive.
_RESULTS: weakref.WeakKeyDictionary[Layer, dict[tuple[str, Output], tuple[weakref.ref[Layer], weakref.ref[Any]]]]
_RESULTS = weakref.WeakKeyDictionary()

#: The highest number of an object that was given in a layer of instances.
_HIGHEST: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()

#: The image that each result was made of.
_IMAGES: weakref.WeakKeyDictionary[Layer, weakref.ref[Image]] = weakref.WeakKeyDictionary()

#: Results that somebody has painted on: they are that person's from then on.
_PAINTED: weakref.WeakSet[Layer] = weakref.WeakSet()


#: napari has no more colours than values of 16 bits.
_MOST_COLORS = 2**16


def is_result(layer: Layer) -> bool:
    """Whether a layer is something that a model made."""
    return METADATA_KEY in layer.metadata and "output" in layer.metadata[METADATA_KEY]


def is_no_result(layer: Layer) -> bool:
    """Whether a layer is something that no model made."""
    return not is_result(layer)


def is_untouched(layer: Layer) -> bool:
    """Whether a result is still the model's: nobody has painted on it, nor taken it for annotations, nor copied it.

    A copy (napari's *Duplicate*) has the result's metadata, but somebody has made it to keep it.
    """
    return layer in _IMAGES and layer not in _PAINTED and not layer.metadata[METADATA_KEY].get("annotations")


def image_of(layer: Layer) -> Image | None:
    """Return the image that a result was made of in this session, whatever it is called by now."""
    reference = _IMAGES.get(layer)
    return None if reference is None else reference()


def class_colormap(classes: Sequence[ClassInfo]) -> CyclicLabelColormap:
    """Colours of classes; what is not annotated (0) is transparent, further ids get napari's colours.

    napari's ``DirectLabelColormap`` would say the same, but has Numba compile for it when it is first
    shown, which stops the window for some seconds.
    """
    classes = [c for c in classes if c.id < _MOST_COLORS]
    colors = np.array(label_colormap(max(49, *(c.id for c in classes), 0)).colors)
    for c in classes:
        colors[c.id] = [*(int(c.color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0]
    return CyclicLabelColormap(colors=colors, name="classes")


def class_features(classes: Sequence[ClassInfo]) -> dict[str, list[Any]]:
    """Names of classes as a Labels layer's features: the status bar then shows them."""
    return {"index": [0, *(c.id for c in classes)], "class": ["not annotated", *(c.name for c in classes)]}


def show_class_colours(layer: Layer, classes: Sequence[ClassInfo]) -> None:
    """Give a layer the colours and names of classes, and it alone: no layer that is linked to it could show them."""
    unlink_layers([layer], ["colormap"])
    layer.colormap, layer.features = class_colormap(classes), class_features(classes)


def result_layer(
    viewer: ViewerModel,
    image: Image,
    card: ModelCard,
    output: Output,
    settings: Mapping[str, Any],
    *,
    visible: bool = True,
) -> ResultLayer:
    """Layer that a run of a model on an image writes one of its outputs into.

    What an earlier run of the same model on the same layer made is written over, unless somebody has painted on it or
    took it for annotations; another model gets a layer of its own. The layer lies where the image lies by now: scale,
    units, translation, rotation, shear, affine and axis labels are the image's.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the layer, right above the image and its other results.
    image : Image
        What the model is run on.
    card : ModelCard
        The model's card: name, classes, colours.
    output : str
        ``"segmentation"``, ``"probabilities"`` or ``"instances"``.
    settings : mapping
        The run's settings, kept in the layer's metadata; JSON values.
    visible : bool
        Whether a new layer is shown.
    """
    classes = len(card.classes) if output == "probabilities" and len(card.classes) > 2 else 0
    shape = (*((classes,) if classes else ()), *image_source(image).shape)
    metadata = {
        "output": output,
        "model": card.name,
        "classes": [{"id": c.id, "name": c.name, "color": c.color} for c in card.classes],
        "class_axis": bool(classes),
        "settings": dict(settings),
        "image": image.name,
        "weights_sha256": card.weights_sha256,
    }
    if (known := _known_result(viewer, image, card.name, output, shape)) is not None:
        if output == "segmentation" and known.layer.metadata[METADATA_KEY]["classes"] != metadata["classes"]:
            show_class_colours(known.layer, card.classes)
        known.layer.metadata[METADATA_KEY] = metadata  # set as a whole, it would go to all linked layers
        _lay_on(image, known.layer)
        return known
    array = new_result_array(shape, _DTYPES[output])
    layer = _new_layer(image, card, output, array, metadata)
    layer.visible = visible
    if isinstance(layer, Labels):
        layer.events.paint.connect(_note_painted)
    _insert_above(viewer, image, layer)
    _IMAGES[layer] = weakref.ref(image)
    _RESULTS.setdefault(image, {})[card.name, output] = (weakref.ref(layer), weakref.ref(array))
    return ResultLayer(output, layer, array)


def _known_result(
    viewer: ViewerModel, image: Image, model: str, output: Output, shape: tuple[int, ...]
) -> ResultLayer | None:
    references = _RESULTS.get(image, {}).get((model, output))
    if references is None:
        return None
    layer, array = (reference() for reference in references)
    if layer is None or array is None or layer not in viewer.layers or not is_untouched(layer):
        return None
    shown = layer.data[0] if layer.multiscale else layer.data
    return ResultLayer(output, layer, array) if shown is array and array.shape == shape else None


def _note_painted(event: Any) -> None:
    _PAINTED.add(event.source)


def _new_layer(image: Image, card: ModelCard, output: Output, array: NDArray[Any], metadata: dict[str, Any]) -> Layer:
    levels = pyramid(array)
    data = levels if len(levels) > 1 else array
    where = {**image_placement(image, array.ndim - image.ndim), "multiscale": len(levels) > 1}
    kept = {key: image.metadata[key] for key in KEPT if key in image.metadata}
    common = {"name": f"{image.name} · {card.name} · {output}", "metadata": {**kept, METADATA_KEY: metadata}, **where}
    if output == "probabilities":
        return Image(data, contrast_limits=(0.0, 1.0), colormap="magma", opacity=0.8, rgb=False, **common)
    if output == "instances":
        return Labels(data, opacity=0.5, **common)
    return Labels(
        data, opacity=0.5, colormap=class_colormap(card.classes), features=class_features(card.classes), **common
    )


def image_placement(image: Image, added: int = 0) -> dict[str, Any]:
    """Keywords that lay a layer where the image lies, with so many axes more in front."""

    def widened(matrix: NDArray[Any]) -> NDArray[Any]:
        wide = np.eye(added + len(matrix))
        wide[added:, added:] = matrix
        return wide

    return {
        "scale": [1.0] * added + list(image.scale),
        "translate": [0.0] * added + list(image.translate),
        "rotate": widened(np.asarray(image.rotate)),
        "shear": widened(shear_matrix(image)),
        "affine": widened(np.asarray(image.affine.affine_matrix)),
        "units": ["pixel"] * added + list(image.units),
        "axis_labels": ["class"] * added + list(image.axis_labels),
    }


def _lay_on(image: Image, layer: Layer) -> None:
    """Move a result to where its image lies, which may have been given another scale since."""
    for name, wanted in image_placement(image, layer.ndim - image.ndim).items():
        now = layer.affine.affine_matrix if name == "affine" else getattr(layer, name)
        if not np.array_equal(shear_matrix(layer) if name == "shear" else now, wanted):
            setattr(layer, name, wanted)


def shear_matrix(image: Layer) -> NDArray[Any]:
    """Shear of a layer as a matrix, whichever of its two forms napari gives."""
    shear = np.asarray(image.shear)
    if shear.ndim == 2:
        return shear
    matrix = np.eye(image.ndim)
    matrix[np.triu_indices(image.ndim, 1)] = shear
    return matrix


def _insert_above(viewer: ViewerModel, image: Image, layer: Layer) -> None:
    """Put a result above its image and above the results that lie there already, and keep the selection."""
    selection = set(viewer.layers.selection)
    index = viewer.layers.index(image) + 1
    while index < len(viewer.layers) and is_result(viewer.layers[index]):
        index += 1
    viewer.layers.insert(index, layer)
    viewer.layers.selection = {kept for kept in selection if kept in viewer.layers} or {layer}
