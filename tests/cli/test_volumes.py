"""``napari-unets segment --link`` and ``--ortho``."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.images import open_stack, save_stack
from napari_unets.inference import LinkSettings, predict, segment
from napari_unets.models import load_model
from tests.jobs.volume_support import blobs

FAST = ("--model", "mine", "--backend", "torch", "--precision", "fp32")


@pytest.fixture
def volume(tmp_path):
    """A small isotropic volume in a file."""
    path = tmp_path / "volume.tif"
    values = np.random.default_rng(0).integers(0, 255, (10, 40, 36), dtype=np.uint8)
    save_stack(path, values, axes="zyx", voxel_size_nm=(8, 8, 8))
    return path


def in_python(model, path, function=segment, **settings):
    with open_stack(path) as stack:
        return function(load_model(model), stack, backend="torch", precision="fp32", **settings)


@pytest.mark.parametrize(("options", "merge_below"), [((), None), (("--merge-below", "0.4"), 0.4)])
def test_objects_in_3d(program, own_model, volume, tmp_path, options, merge_below):
    target = tmp_path / "neurites.ome.zarr"
    assert program("segment", volume, "--output", target, "--link", *options, *FAST).code == 0
    with open_stack(target) as out:
        assert out.dtype == np.uint32
        expected = in_python(own_model, volume, instances="3d", linking=LinkSettings(merge_below=merge_below))
        np.testing.assert_array_equal(out[...], expected)
        settings = out.metadata["napari_unets"]["settings"]
        assert (settings["link"], settings.get("merge_below"), "ortho" in settings) == (True, merge_below, False)


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
def test_three_orientations(program, own_model, volume, tmp_path, suffix):
    for options, function in ((("--probabilities",), predict), ((), segment)):
        target = tmp_path / f"{function.__name__}{suffix}"
        assert program("segment", volume, "--output", target, "--ortho", *options, *FAST).code == 0
        with open_stack(target) as out:
            np.testing.assert_allclose(out[...], in_python(own_model, volume, function, ortho=True), atol=1e-6)
            assert out.metadata["napari_unets"]["settings"]["ortho"] is True


@pytest.mark.parametrize("option", ["--link", "--ortho"])
def test_of_a_hyperstack_each_channel_is_a_volume(program, tmp_path, option):
    """ImageJ has t, z, c; a volume is (z, y, x)."""
    values = blobs((2, 6, 2, 90, 110))
    path, target = tmp_path / "hyper.tif", tmp_path / "out.tif"
    save_stack(path, values, axes="tzcyx")
    assert program("segment", path, "--output", target, option, "--model", "sauvola").code == 0
    model, how = load_model("sauvola"), {"instances": "3d"} if option == "--link" else {"ortho": True}
    with open_stack(target) as out:
        assert out.axes == "tczyx"
        np.testing.assert_array_equal(out[...], segment(model, values.swapaxes(1, 2), **how))
    path = save_stack(tmp_path / "channels.tif", values[0, 0], axes="cyx")
    for name in ("no.tif", "no.ome.zarr"):
        refused = program("segment", path, "--output", tmp_path / name, option, "--model", "sauvola")
        assert (refused.code, "channels.tif: its planes are channels (cyx)" in refused.err) == (1, True)
        assert not (tmp_path / name).exists()


def test_sections_are_no_isotropic_volume(program, own_model, tmp_path):
    path, target = tmp_path / "sections.tif", tmp_path / "out.tif"
    save_stack(path, np.zeros((3, 40, 40), np.uint8), axes="zyx", voxel_size_nm=(50, 4, 4))
    result = program("segment", path, "--output", target, "--ortho", *FAST)
    assert result.code == 1
    assert "50 × 4 × 4 nm" in " ".join(result.err.split())
    assert not target.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--merge-below", "0.3"), "add --link"),
        (("--link", "--probabilities"), "choose one of"),
        (("--merge-below", "2", "--link"), "Invalid value for '--merge-below'"),
    ],
)
def test_what_does_not_go_together(program, volume, tmp_path, options, message):
    result = program("segment", volume, "--output", tmp_path / "out.tif", *options)
    assert result.code == 2
    assert message in result.err
