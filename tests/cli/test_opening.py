"""What a file does not say, said on the command line."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import tifffile

from napari_unets.images import open_page, open_stack, save_stack
from napari_unets.inference import segment
from napari_unets.models import load_model

OTSU = ("--model", "otsu")


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


@pytest.fixture
def two(tmp_path):
    """An HDF5 file of two datasets, neither of which says what its axes are."""
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as file:
        file["raw"] = noise(3, 24, 32)
        file["seg/labels"] = noise(3, 24, 32, seed=1)
    return path


@pytest.mark.parametrize("name", ["out.tif", "out.ome.zarr"])
def test_dataset_axes_and_voxel_size(program, two, tmp_path, name):
    refused = program("segment", two, "-o", tmp_path / name, *OTSU)
    assert refused.code == 1
    assert "choose a dataset; it has raw (3, 24, 32) uint8, seg/labels" in refused.err
    how = ("--dataset", "raw", "--axes", "yxz", "--voxel-size", "50,4,8.5")
    assert program("segment", two, "-o", tmp_path / name, *how, *OTSU).code == 0
    with (
        open_stack(tmp_path / name) as found,
        open_stack(two, dataset="raw", axes="yxz", voxel_size_nm=(50, 4, 8.5)) as stack,
    ):
        assert found.shape == (32, 3, 24)
        assert found.voxel_size_nm == (50, 4, 8.5)
        np.testing.assert_array_equal(found[...], segment(load_model("otsu"), stack))
        settings = found.metadata["napari_unets"]["settings"]
        assert (settings["dataset"], settings["axes"], settings["voxel_size_nm"]) == ("raw", "yxz", [50, 4, 8.5])


def test_a_level_of_a_pyramid(program, tmp_path):
    path = tmp_path / "pyramid.ome.tif"
    fine = noise(64, 64)
    with tifffile.TiffWriter(path) as file:
        file.write(fine, subifds=1, photometric="minisblack")
        file.write(fine[::2, ::2], subfiletype=1, photometric="minisblack")
    assert program("segment", path, "-o", tmp_path / "out.tif", "--level", "1", *OTSU).code == 0
    with open_stack(tmp_path / "out.tif") as found:
        np.testing.assert_array_equal(found[0], segment(load_model("otsu"), fine[::2, ::2]))
    assert "there is no level 2" in program("segment", path, "-o", tmp_path / "no.tif", "--level", "2", *OTSU).err


def test_a_series_of_a_tiff_file(program, tmp_path):
    path = tmp_path / "series.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(noise(24, 32), photometric="minisblack", metadata=None)
        file.write(noise(16, 20), photometric="minisblack", metadata=None)
    assert program("segment", path, "-o", tmp_path / "out.ome.zarr", "--dataset", "1", *OTSU).code == 0
    with open_stack(tmp_path / "out.ome.zarr") as found:
        assert found.shape == (1, 16, 20)
    # its pages are written one by one only where nothing else was asked for
    refused = program("segment", path, "-o", tmp_path / "out.tif", "--axes", "yx", *OTSU)
    assert (refused.code, "choose one of them as the dataset, 0 to 1" in refused.err) == (1, True)


@pytest.mark.parametrize("name", ["out.tif", "out.ome.zarr"])
def test_a_channel(program, tmp_path, name):
    values = noise(3, 2, 24, 32)
    path = save_stack(tmp_path / "in.tif", values, axes="zcyx")
    assert program("segment", path, "-o", tmp_path / name, "--channel", "2", *OTSU).code == 0
    with open_stack(tmp_path / name) as found:
        np.testing.assert_array_equal(found[...], segment(load_model("otsu"), values[:, 1]))
        assert found.metadata["napari_unets"]["settings"]["channel"] == "2"
    assert (
        "channel was 2 and is 1"
        in program("segment", path, "-o", tmp_path / name, "--channel", "1", "--resume", *OTSU).err
    )


@pytest.mark.parametrize("name", ["out.tif", "out.ome.zarr", "pages.tif", "clean.png"])
def test_bright_and_dark_exchanged(program, tmp_path, name):
    values = noise(1, 24, 32)
    path = tmp_path / "negative.tif"
    tifffile.imwrite(path, 255 - values[0])
    if name == "pages.tif":  # of several sizes, which are taken one by one
        tifffile.imwrite(path, 255 - noise(20, 20), append=True)
    command = ("segment", path, "-o", tmp_path / name, *OTSU)
    assert program(*command, "--invert").code == 0
    expected = segment(load_model("otsu"), values)
    with open_page(tmp_path / name, 1) if name.startswith(("pages", "clean")) else open_stack(tmp_path / name) as found:
        np.testing.assert_array_equal(found[...], expected != 1 if name == "clean.png" else expected)
    assert "it is there and matches" in program(*command, "--invert", "--resume").err
    assert "invert was True and is not set" in program(*command, "--resume").err


def test_resume_compares_how_the_input_is_opened(program, two, tmp_path):
    for name in ("out.tif", "out.ome.zarr"):
        command = ("segment", two, "-o", tmp_path / name, *OTSU, "--dataset")
        assert program(*command, "raw").code == 0
        assert "it is there and matches" in program(*command, "raw", "--resume").err
        assert "dataset was raw and is seg/labels" in program(*command, "seg/labels", "--resume").err


def test_the_estimate_and_the_report_know_it(program, two, tmp_path):
    command = ("segment", two, "-o", tmp_path / "out.ome.zarr", *OTSU, "--dataset", "raw", "--axes", "yxz")
    assert "32 × 3 × 24" in program(*command, "--estimate").out
    assert program(*command, "--report", tmp_path / "report.json").code == 0
    assert json.loads((tmp_path / "report.json").read_text())["opening"] == {"axes": "yxz", "dataset": "raw"}


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--voxel-size", "50,4"), 2, "should be three sizes in nanometres along z, y and x, such as 50,4,4"),
        (("--voxel-size", "50,4,big"), 2, "should be three sizes"),
        (("--voxel-size", "50,4,0"), 2, "should be three sizes"),
        (("--level", "-1"), 2, "--level"),
        (("--dataset", "raw", "--clean"), 2, "none of --dataset"),
        (("--dataset", "mask"), 1, "has no dataset 'mask'; it has raw"),
        (("--dataset", "raw", "--axes", "zy"), 1, "has 3 axes, but 2 were given"),
    ],
)
def test_mistakes(program, two, tmp_path, options, code, said):
    result = program("segment", two, "-o", tmp_path / "out.tif", *OTSU, *options)
    assert result.code == code
    assert said in " ".join(result.err.replace("│", " ").split())
    assert not (tmp_path / "out.tif").exists()


def test_evaluate_takes_a_dataset_of_each(program, two, tmp_path):
    result = program(
        "evaluate", two, two, "--dataset", "raw", "--truth-dataset", "raw", "--kind", "instances", "--json"
    )
    assert json.loads(result.out)["v_rand"] == 1
    save_stack(tmp_path / "raw.tif", noise(3, 24, 32), axes="zyx")
    result = program("evaluate", tmp_path / "raw.tif", two, "--truth-dataset", "raw", "--kind", "instances", "--json")
    assert json.loads(result.out)["v_rand"] == 1
    assert "choose a dataset" in program("evaluate", tmp_path / "raw.tif", two).err
