"""One channel of an image, by its name or its number."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tifffile
import zarr

from napari_unets.images import ChannelsError, open_stack, save_stack

VALUES = np.random.default_rng(0).integers(0, 255, (2, 5, 3, 40, 50), dtype=np.uint8)
NAMES = ["DAPI", "GFP", "1"]


def ome_tiff(path, *, photometric="minisblack"):
    metadata = {"axes": "TZCYX", "Channel": {"Name": NAMES}}
    tifffile.imwrite(path, VALUES, ome=True, photometric=photometric, metadata=metadata, compression="zlib")
    return path


def ome_zarr(path):
    save_stack(path, VALUES.swapaxes(1, 2), axes="tczyx")
    group = zarr.open_group(path, mode="r+")
    ome = dict(group.attrs["ome"]) | {"omero": {"channels": [{"label": name} for name in NAMES]}}
    group.attrs["ome"] = ome
    return path


def imagej(path):
    tifffile.imwrite(path, VALUES, imagej=True, metadata={"axes": "TZCYX"})
    return path


@pytest.mark.parametrize("make", [ome_tiff, ome_zarr])
@pytest.mark.parametrize(("channel", "index"), [("gfp", 1), ("1", 2), (2, 1), ("3", 2)])
def test_by_name_or_number(tmp_path, make, channel, index):
    path = make(tmp_path / ("a.ome.tif" if make is ome_tiff else "a.ome.zarr"))
    with open_stack(path, channel=channel) as stack:
        assert (stack.axes, stack.shape) == ("tzyx", (2, 5, 40, 50))
        np.testing.assert_array_equal(stack[...], VALUES[:, :, index])
        np.testing.assert_array_equal(stack.plane(7, (slice(3, 9), slice(4, 6))), VALUES[1, 2, index, 3:9, 4:6])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack))[1], VALUES[1, :, index])


def test_with_pages_and_axes(tmp_path):
    path = imagej(tmp_path / "a.tif")
    with open_stack(path, channel=2, pages="2,6") as stack:
        np.testing.assert_array_equal(stack[...], VALUES.reshape(10, 3, 40, 50)[[1, 5], 1])
    path = save_stack(tmp_path / "b.tif", VALUES[0, 0], axes="zyx")
    with open_stack(path, channel=3, axes="cyx") as stack:
        assert (stack.axes, stack.shape) == ("zyx", (1, 40, 50))
        np.testing.assert_array_equal(stack[0], VALUES[0, 0, 2])


def test_what_there_is_not(tmp_path):
    with pytest.raises(ChannelsError, match=r"a\.ome\.tif: has no channel RFP; it has 1 \(DAPI\), 2 \(GFP\), 3 \(1\)"):
        open_stack(ome_tiff(tmp_path / "a.ome.tif"), channel="RFP")
    for wrong in (0, 4, "-1", ""):
        with pytest.raises(ChannelsError, match="it has 1, 2, 3"):
            open_stack(imagej(tmp_path / "a.tif"), channel=wrong)
    path = save_stack(tmp_path / "b.tif", np.zeros((40, 50, 3), np.uint8), axes="yxs")
    with pytest.raises(ChannelsError, match=r"has the axes zyxs.*colour is none") as refused:
        open_stack(path, channel=1)
    assert str(path) in str(refused.value)
