"""What a napari image layer holds, seen as a stack of planes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Image

__all__ = ["ImageSource", "image_source", "likely_task", "pages_of"]


@dataclass(frozen=True)
class ImageSource:
    """The array behind an image layer, at full resolution, and its shape as planes.

    Attributes
    ----------
    data : array-like
        What the layer shows (numpy, Dask, Zarr ...), the finest level of a multiscale layer.
    shape : tuple of int
        Shape without the colour samples: ``(y, x)``, ``(z, y, x)`` or ``(t, z, y, x)``.
    rgb : bool
        Whether a last axis of 3 or 4 colour samples follows.
    """

    data: Any
    shape: tuple[int, ...]
    rgb: bool

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width of a plane, in pixels."""
        return self.shape[-2], self.shape[-1]

    @property
    def n_planes(self) -> int:
        """Number of planes: the product of every axis before y."""
        return math.prod(self.shape[:-2])


def image_source(layer: Image) -> ImageSource:
    """Full-resolution data of an image layer; nothing is read."""
    data = layer.data[0] if layer.multiscale else layer.data
    shape = tuple(int(n) for n in data.shape)
    return ImageSource(data=data, shape=shape[:-1] if layer.rgb else shape, rgb=bool(layer.rgb))


def likely_task(layer: Image) -> str:
    """Guess what a model of an image is to be for: scans are in colour or come from a PDF, sections are not."""
    return "document" if image_source(layer).rgb or "pages" in layer.metadata else "em"


def pages_of(layer: Image) -> list[tuple[int, int]] | None:
    """Height and width of the page on each plane of a document; None of a layer that is none."""
    pages = layer.metadata.get("pages")
    source = image_source(layer)
    if not isinstance(pages, list) or len(pages) != source.n_planes:
        return None
    height, width = source.plane_shape
    return [(min(int(page["size"][0]), height), min(int(page["size"][1]), width)) for page in pages]
