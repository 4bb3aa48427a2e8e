"""Annotations that no model can learn from are refused with what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.learning.annotations import AnnotatedStack
from napari_unets.learning.errors import AnnotationError


@pytest.mark.parametrize(("painted", "named"), [((-3, 7), -3), ((1, 300), 300)])
def test_a_value_out_of_range_is_named(painted, named) -> None:
    annotations = np.zeros((1, 32, 32), np.int16)
    annotations[0, 0, :2] = painted
    with pytest.raises(AnnotationError, match=f"holds the value {named};"):
        AnnotatedStack.of(np.zeros(annotations.shape, np.uint8), annotations)
