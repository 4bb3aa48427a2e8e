"""An image layer with bright and dark exchanged, as another layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image

from napari_unets.images import as_stack, inverted_stack
from napari_unets.widgets.files.readers import READ_AT_ONCE
from napari_unets.widgets.parts.result_layers import image_placement

__all__ = ["exchanged_layer"]


def exchanged_layer(image: Image) -> Image:
    """Make a layer that shows an image with bright and dark exchanged, where the image lies.

    Parameters
    ----------
    image : Image
        Stays as it is. Small images are copied, of large ones each plane is read when it is looked at.

    Returns
    -------
    Image
        In no viewer yet.
    """
    levels = [_exchanged(level, image) for level in (image.data if image.multiscale else [image.data])]
    return Image(
        levels if image.multiscale else levels[0],
        name=f"{image.name} · exchanged",
        rgb=image.rgb,
        multiscale=image.multiscale,
        metadata=dict(image.metadata),
        **image_placement(image),
    )


def _exchanged(data: Any, image: Image) -> Any:
    stack = inverted_stack(as_stack(data, rgb=image.rgb, name=image.name))
    exchanged = np.asarray(stack) if stack.nbytes <= READ_AT_ONCE else stack.as_dask()
    return exchanged.reshape(data.shape)  # a stack of a 2-D image has one plane
