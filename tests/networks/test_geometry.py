from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_unets.networks.geometry import before_deconvolution, before_pooling, before_u, before_unpooling


@given(st.integers(1, 5), st.integers(1, 6), st.sampled_from([0, 1]))
def test_the_radius_of_a_u_in_closed_form(depth: int, radius: int, unpadded: int):
    s = 2**depth
    spans = [(p, before_u((p, p), depth, radius, unpadded * radius)) for p in range(s)]
    farthest = max(max(p - first, last - p) for p, (first, last) in spans)
    assert farthest == radius * (3 * s - 2) + s - 1


@given(st.integers(-50, 50), st.integers(0, 20), st.integers(0, 3))
def test_a_cell_is_unpooled_from_where_it_was_pooled(first: int, extent: int, offset: int):
    span = (first, first + extent)
    assert before_unpooling(before_pooling(span, offset), offset) == span


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, 2, 0), (4, 2, 1), (16, 8, 4), (3, 2, 1)])
def test_a_deconvolution_against_torch(kernel: int, stride: int, padding: int):
    layer = torch.nn.ConvTranspose1d(1, 1, kernel, stride=stride, padding=padding, bias=False)
    torch.nn.init.ones_(layer.weight)
    size = 12
    lit = layer(torch.eye(size)[:, None])[:, 0] > 0  # (position lit in the input, position in the result)
    for position in range(stride * 4, stride * 8):
        sources = lit[:, position].nonzero()
        expected = (int(sources.min()), int(sources.max()))
        assert before_deconvolution((position, position), kernel, stride, padding) == expected
