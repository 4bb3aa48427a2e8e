"""The samples of the menu."""

from __future__ import annotations

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_unets.images import synthetic_em_stack, synthetic_page
from napari_unets.widgets.files.samples import em_sample, page_sample, printed_page


def test_sample_and_truth():
    image, truth = (Layer.create(*data) for data in em_sample())
    assert (type(image), type(truth)) == (Image, Labels)
    assert (image.name, truth.name) == ("EM sample", "EM truth")
    for layer, expected in zip((image, truth), synthetic_em_stack(), strict=True):
        assert isinstance(layer.data, np.ndarray)  # so that it can be painted on
        np.testing.assert_array_equal(layer.data, expected)
        np.testing.assert_array_equal(layer.scale, (50, 4, 4))
        assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
        assert layer.axis_labels == ("z", "y", "x")
    assert image.visible
    assert not truth.visible


def test_page_and_truth():
    image, truth = (Layer.create(*data) for data in page_sample())
    assert (type(image), type(truth)) == (Image, Labels)
    assert image.rgb
    np.testing.assert_array_equal(image.data, synthetic_page().image)
    np.testing.assert_array_equal(truth.data, synthetic_page().truth)
    assert image.metadata["dpi"] == [200, 200]
    assert image.visible
    assert not truth.visible


def test_printed_page():
    (page,) = (Layer.create(*data) for data in printed_page())
    assert page.data.shape == (191, 384)
