"""OME-TIFF whose planes lie in several files, as Micro-Manager and Bio-Formats write it, whole and in parts."""

from __future__ import annotations

import pickle
import re
import shutil

import numpy as np
import pytest
import tifffile

from napari_unets.images import IncompleteImageError, UnreadableImageError, open_stack

PLANES = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype(np.uint8)
NAMES = [f"s & z{i}.ome.tif" for i in range(3)]
OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{own}"><Image ID="Image:0">
<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" SizeX="50" SizeY="40" SizeZ="{count}" SizeC="1" SizeT="1"
PhysicalSizeX="0.004" PhysicalSizeY="0.004" PhysicalSizeZ="0.05"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>
{planes}</Pixels></Image></OME>"""
PLANE = '<TiffData FirstZ="{i}" IFD="0" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{i}</UUID></TiffData>'


@pytest.fixture(params=[None, "zlib"], ids=["bare", "compressed"])
def series(tmp_path, request):
    """A folder of three files, each of which describes all of them."""
    planes = "".join(PLANE.format(i=i, name=name.replace("&", "&amp;")) for i, name in enumerate(NAMES))
    for i, name in enumerate(NAMES):
        xml = OME.format(own=i, count=3, planes=planes)
        settings = {"metadata": None, "photometric": "minisblack", "compression": request.param}
        tifffile.imwrite(tmp_path / name, PLANES[i], description=xml, **settings)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_each_plane_comes_from_its_own_file(series, name):
    with open_stack(series / name) as stack:
        assert (stack.shape, stack.voxel_size_nm) == (PLANES.shape, pytest.approx((50, 4, 4)))
        np.testing.assert_array_equal(stack, PLANES)
        np.testing.assert_array_equal(stack.plane(2, (slice(3, 9), slice(7, 20))), PLANES[2, 3:9, 7:20])
        again = pickle.loads(pickle.dumps(stack))
    np.testing.assert_array_equal(again.plane(1), PLANES[1])
    again.close()


def test_files_of_different_lengths(series):
    """An intact file may be longer than the one that is opened."""
    (series / NAMES[1]).write_bytes((series / NAMES[1]).read_bytes() + bytes(5000))
    np.testing.assert_array_equal(open_stack(series / NAMES[2]), PLANES)


def test_a_file_that_was_not_copied(series):
    alone = series / "alone"
    alone.mkdir()
    shutil.copy(series / NAMES[0], alone)
    missing = f"2 of its 3 planes lie in files that are not beside it: {NAMES[1]}, {NAMES[2]}; copy all"
    with pytest.raises(IncompleteImageError, match=re.escape(f"{NAMES[0]}: {missing}")):
        open_stack(alone / NAMES[0])
    np.testing.assert_array_equal(open_stack(alone / NAMES[0], pages="1"), PLANES[:1])


def test_another_file_that_is_truncated(series):
    whole = (series / NAMES[2]).read_bytes()
    (series / NAMES[2]).write_bytes(whole[:-100])
    with pytest.raises(UnreadableImageError, match=rf"{NAMES[2]}: the file is truncated"):
        open_stack(series / NAMES[0])


def test_planes_that_were_never_written(tmp_path):
    xml = OME.format(own=0, count=5, planes='<TiffData FirstZ="0" IFD="0" PlaneCount="3"/>')
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANES, description=xml, metadata=None, photometric="minisblack")
    with pytest.raises(IncompleteImageError, match=r"a.ome.tif: 2 of the 5 planes .* not there.* in it: 1-3"):
        open_stack(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(open_stack(tmp_path / "a.ome.tif", pages="1-3"), PLANES)
