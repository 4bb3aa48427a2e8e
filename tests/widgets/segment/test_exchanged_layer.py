"""Image layers with bright and dark exchanged."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image

from napari_unets.widgets.segment import exchanged_layer as module
from napari_unets.widgets.segment.exchanged_layer import exchanged_layer

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("shape", "rgb"), [((40, 50), False), ((3, 40, 50), False), ((2, 3, 40, 50), False), ((40, 50, 3), True)]
)
def test_where_the_image_lies(monkeypatch, shape, rgb, lazy):
    values = RNG.integers(0, 255, shape, dtype=np.uint8)
    ndim = len(shape) - rgb
    scale, units = (2.0,) * ndim, ("nm",) * ndim
    image = Image(
        da.from_array(values) if lazy else values,
        rgb=rgb,
        scale=scale,
        units=units,
        translate=(1,) * ndim,
        name="sections",
        metadata={"path": "a.tif"},
    )
    if lazy:
        monkeypatch.setattr(module, "READ_AT_ONCE", 0)
    layer = exchanged_layer(image)
    assert isinstance(layer.data, da.Array if lazy else np.ndarray)
    np.testing.assert_array_equal(np.asarray(layer.data), 255 - values)
    assert (layer.rgb, layer.name) == (rgb, "sections · exchanged")
    assert (tuple(layer.scale), layer.units) == (scale, image.units)
    np.testing.assert_array_equal(layer.translate, image.translate)
    assert layer.metadata == image.metadata
    np.testing.assert_array_equal(np.asarray(image.data), values)


def test_all_levels_of_a_multiscale_image():
    values = RNG.integers(0, 255, (64, 64), dtype=np.uint8)
    layer = exchanged_layer(Image([values, values[::2, ::2]], multiscale=True))
    assert layer.multiscale
    for level, expected in zip(layer.data, (values, values[::2, ::2]), strict=True):
        np.testing.assert_array_equal(level, 255 - expected)
