"""A head that grows keeps what it knew."""

from __future__ import annotations

import pytest
import torch
from tests_support import tiny_model

from napari_unets.learning.head import grow_head


def test_grown_head_begins_with_the_old_segmentation() -> None:
    network = tiny_model().network
    x = torch.randn(1, 1, 32, 32)
    with torch.inference_mode():
        old = torch.sigmoid(network(x))[:, 0]
        new = torch.softmax(grow_head(network, 2 + 1)(x), 1)
        four = torch.softmax(grow_head(grow_head(network, 3), 4)(x), 1)
    assert float(new[:, 2].max()) < 0.1
    torch.testing.assert_close(new[:, 0] / (new[:, 0] + new[:, 1]), old, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(four[:, 0] / (four[:, 0] + four[:, 1]), old, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="knows 4 classes"):
        grow_head(grow_head(network, 4), 3)
