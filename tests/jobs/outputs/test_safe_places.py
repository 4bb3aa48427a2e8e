"""Outputs that would destroy what they are made from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_unets.images import save_stack
from napari_unets.jobs.outputs.safe_places import Inputs
from napari_unets.jobs.volumes.errors import VolumeError
from tests.jobs.volume_support import plan, save_volume


@pytest.fixture
def sections(tmp_path) -> Path:
    """A folder that is a stack."""
    folder = tmp_path / "sections"
    folder.mkdir()
    for name in ("1.tif", "2.tif"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / name)
    return folder


@pytest.fixture
def volume(tmp_path) -> Path:
    (tmp_path / "box").mkdir()
    return save_stack(tmp_path / "box" / "v.ome.zarr", np.ones((2, 8, 8), np.uint8))


@pytest.mark.parametrize("follow", [False, True])
def test_no_input_is_replaced(sections, volume, follow):
    inputs = Inputs([sections, volume.as_uri(), "s3://bucket/v.ome.zarr", "missing.tif"], follow=follow)
    for target in (sections, volume, Path("missing.tif")):
        assert inputs.danger(target) == f"{target}: is an input and is not overwritten; choose another folder or name"
    assert inputs.danger(volume.parent).endswith("lies in it and would be lost; choose another name")
    assert inputs.danger(volume.with_name("w.ome.zarr")) == ""
    assert inputs.danger(Path("bucket/v.ome.zarr")) == ""


@pytest.mark.parametrize("follow", [False, True])
def test_what_is_written_into_a_folder_of_images(sections, follow):
    inputs = Inputs([sections], follow=follow)
    for name in ("sections.tif", "1.tif", "all.pdf"):
        assert "all images of which are one input" in inputs.danger(sections / name)
    assert inputs.danger(sections / "out" / "sections.tif") == ""  # folders in it are not searched for images
    assert inputs.danger(sections / "sections.ome.zarr") == ""
    assert Inputs([sections / "1.tif", sections / "2.tif"], follow=follow).danger(sections / "1_model.tif") == ""


def test_what_is_written_into_a_zarr(volume):
    inputs = Inputs([volume])
    assert inputs.danger(volume / "labels" / "membranes.ome.zarr") == ""
    for inside in ("out.ome.zarr", "0/out.ome.zarr", "out.tif"):
        assert "lies in the input" in inputs.danger(volume / inside)
    array = volume / "0"  # no image of OME-Zarr, which could have labels
    assert "lies in the input" in Inputs([array]).danger(array / "labels" / "out.ome.zarr")
    assert inputs.danger(volume / "labels" / "deeper" / "out.ome.zarr") == ""


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_links_are_followed(sections, tmp_path):
    (tmp_path / "link").symlink_to(sections)
    elsewhere = tmp_path / "elsewhere.tif"
    (sections / "2.tif").rename(elsewhere)
    (sections / "2.tif").symlink_to(elsewhere)
    assert "one input" in Inputs([sections]).danger(tmp_path / "link" / "3.tif")
    assert "one input" in Inputs([sections]).danger(sections / "2.tif")
    assert "is an input" in Inputs([sections / "2.tif"]).danger(elsewhere)


@pytest.mark.parametrize("address", [False, True])
def test_a_volume_does_not_replace_what_it_is_made_from(tmp_path, address):
    source = save_volume(tmp_path / "in.ome.zarr")
    for target, said in ((source, "is an input"), (tmp_path, "would be lost"), (source / "out.zarr", "lies in")):
        with pytest.raises(VolumeError, match=said):
            plan(source.as_uri() if address else source, target)
