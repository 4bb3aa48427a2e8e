"""Files and folders in the making."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.images import ImageExistsError, create_writer, open_stack, save_stack

STACK = np.random.default_rng(0).integers(0, 255, (4, 40, 50)).astype(np.uint8)


@pytest.mark.parametrize("target", ["a.tif", "a.ome.zarr", "folder"])
def test_what_has_come_there_meanwhile_is_not_replaced(tmp_path, target):
    path = tmp_path / target
    writer = create_writer(path, (1, 40, 50), "uint8")
    save_stack(path, STACK)
    with pytest.raises(ImageExistsError, match="is there already"):
        writer.close()
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack, STACK)
    assert [found.name for found in tmp_path.iterdir()] == [target]
