"""Compare an image's pixels with those that a model has learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pint

from napari_unets.inference.settings import fitting_scale

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unets.models import ModelCard

__all__ = ["pixel_size_nm", "pixel_size_note"]

#: Beyond this factor cells look too large or too small to the model.
_FACTOR = 1.5


def pixel_size_nm(layer: Layer) -> float | None:
    """Size of a layer's pixels along x in nanometres, or None if it has no length for a unit."""
    try:
        size = float(layer.scale[-1]) * layer.units[-1]
        return float((1.0 * size).to("nanometer").magnitude)
    except pint.DimensionalityError:
        return None


def pixel_size_note(layer: Layer, card: ModelCard) -> str:
    """Warning if the image's pixels are of another size than those that the model knows; otherwise empty."""
    size = pixel_size_nm(layer)
    if size is None or card.pixel_size_nm is None or 1 / _FACTOR <= size / card.pixel_size_nm <= _FACTOR:
        return ""
    scale = fitting_scale(size, card.pixel_size_nm)
    return (
        f"Pixels of {size:g} nm; the model learnt from {card.pixel_size_nm:g} nm. If the result is poor, let it see "
        f"the image {scale:g} times as large (advanced settings)."
    )
