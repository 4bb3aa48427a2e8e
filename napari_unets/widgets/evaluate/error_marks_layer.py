"""The layer that shows where a prediction is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, label_colormap
from numpy.typing import NDArray

from napari_unets.metrics import DOCUMENT_ERRORS, SEGMENT_ERRORS
from napari_unets.widgets.parts.result_array import new_result_array, pyramid
from napari_unets.widgets.parts.result_layers import METADATA_KEY, ResultLayer, shear_matrix

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["error_marks", "legend_of_errors"]


def error_marks(layer: Layer, shape: tuple[int, ...], *, of_documents: bool) -> ResultLayer:
    """Make an empty layer for the errors of a prediction; it lies where the prediction lies.

    Parameters
    ----------
    layer : Layer
        The prediction.
    shape : tuple of int
        Of the images that were compared: the layer's, or that without its first axes.
    of_documents : bool
        Ink that was missed or is none, instead of splits and merges.
    """
    errors = DOCUMENT_ERRORS if of_documents else SEGMENT_ERRORS
    array = new_result_array(shape, np.uint8)
    levels = pyramid(array)
    made = Labels(
        levels if len(levels) > 1 else array,
        multiscale=len(levels) > 1,
        name=f"{layer.name} · errors",
        opacity=1.0,
        colormap=_colormap(errors),
        features={"index": [0, *errors], "error": ["none", *(words for words, _ in errors.values())]},
        metadata={METADATA_KEY: {"output": "errors", "class_axis": False, "prediction": layer.name}},
        **_placement(layer, len(shape)),
    )
    return ResultLayer("segmentation", made, array)


def legend_of_errors(of_documents: bool) -> str:
    """Tell the colours and what they mean, as rich text."""
    errors = DOCUMENT_ERRORS if of_documents else SEGMENT_ERRORS
    return "<br>".join(f'<span style="color:{colour}">■</span> {words}' for words, colour in errors.values())


def _colormap(errors: dict[int, tuple[str, str]]) -> CyclicLabelColormap:
    """Colours of the errors; not a DirectLabelColormap, see `class_colormap`."""
    colours = np.array(label_colormap(49).colors)
    for value, (_, colour) in errors.items():
        colours[value] = [*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0]
    return CyclicLabelColormap(colors=colours, name="errors")


def _placement(layer: Layer, ndim: int) -> dict[str, Any]:
    """Keywords that lay a layer where another lies, of which it has only the last axes."""

    def last(matrix: NDArray[Any], size: int) -> NDArray[Any]:
        return np.asarray(matrix)[-size:, -size:]

    return {
        "scale": layer.scale[-ndim:],
        "translate": layer.translate[-ndim:],
        "rotate": last(layer.rotate, ndim),
        "shear": last(shear_matrix(layer), ndim),
        "affine": last(layer.affine.affine_matrix, ndim + 1),
        "units": layer.units[-ndim:],
        "axis_labels": layer.axis_labels[-ndim:],
    }
