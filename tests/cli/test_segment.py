"""``napari-unets segment``."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import zoom

from napari_unets.images import open_stack, save_stack, synthetic_em_stack
from napari_unets.inference import predict, segment
from napari_unets.models import load_model

FAST = ("--model", "mine", "--backend", "torch", "--precision", "fp32")


@pytest.fixture
def image(tmp_path):
    """A small stack in a file."""
    rng = np.random.default_rng(0)
    path = tmp_path / "sections.tif"
    save_stack(path, rng.integers(0, 255, (3, 40, 56), dtype=np.uint8), axes="zyx", voxel_size_nm=(50, 4, 4))
    return path


def in_python(own_model, image, function=segment, **settings):
    with open_stack(image) as stack:
        return function(load_model(own_model), stack, backend="torch", precision="fp32", **settings)


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
def test_segmentation_is_that_of_python(program, own_model, image, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    result = program("segment", image, "--output", target, *FAST)
    assert (result.code, result.out) == (0, "")
    with open_stack(target) as out:
        assert out.dtype == np.uint8
        assert out.axes == "zyx"
        assert out.voxel_size_nm == (50, 4, 4)
        np.testing.assert_array_equal(out[...], in_python(own_model, image))
        assert out.metadata["napari_unets"]["model"] == "mine"
        assert out.metadata["napari_unets"]["output"] == "segmentation"
        assert [c["name"] for c in out.metadata["napari_unets"]["classes"]] == ["membrane", "cell"]
        assert out.metadata["napari_unets"]["settings"]["precision"] == "fp32"


def test_probabilities(program, own_model, image, tmp_path):
    target = tmp_path / "out.ome.zarr"
    assert program("segment", image, "--output", target, "--probabilities", *FAST).code == 0
    with open_stack(target) as out:
        assert out.dtype == np.float32
        np.testing.assert_allclose(out[...], in_python(own_model, image, predict), atol=1e-6)


def test_all_classes_of_a_model_of_three(program, save_own_model, image, tmp_path):
    folder = save_own_model("three", classes=3)
    target = tmp_path / "out.tif"
    assert program("segment", image, "--output", target, "--probabilities", *FAST, "--model", "three").code == 0
    with open_stack(target) as out:
        assert out.axes == "czyx"
        np.testing.assert_allclose(out[...], in_python(folder, image, predict, all_classes=True), atol=1e-6)


def test_instances(program, own_model, image, tmp_path):
    target = tmp_path / "out.tif"
    assert program("segment", image, "--output", target, "--instances", *FAST).code == 0
    with open_stack(target) as out:
        assert out.dtype == np.uint32
        np.testing.assert_array_equal(out[...], in_python(own_model, image, instances=True))


def test_scale_is_that_of_the_pixel_sizes_where_they_are_known(program, own_model, image, tmp_path):
    card = load_model(own_model).card.model_copy(update={"pixel_size_nm": 8.0})
    (own_model / "card.json").write_text(card.model_dump_json())
    target = tmp_path / "out.tif"
    (tmp_path / "broken.tif").write_bytes(b"II*")
    both = (tmp_path / "broken.tif", image)
    result = program("segment", *both, "--output", tmp_path / "both", "--scale", "auto", *FAST)
    assert result.code == 1
    assert f"scale 0.5: {image}: pixels of 4 nm; mine has learnt from 8 nm; it holds for all inputs" in result.err
    result = program("segment", image, "--output", target, "--probabilities", "--scale", "auto", *FAST)
    assert result.code == 0
    with open_stack(target) as out:
        np.testing.assert_allclose(out[...], in_python(own_model, image, predict, scale=0.5), atol=1e-6)
        assert out.metadata["napari_unets"]["settings"]["scale"] == 0.5
    advised = program("segment", image, "--output", tmp_path / "plain.tif", *FAST)
    assert f"{image}: pixels of 4 nm; mine has learnt from 8 nm. --scale 0.5 lets it see" in advised.err
    again = program("segment", image, "--output", target, "--probabilities", "--scale", "0.5", *FAST, "--resume")
    assert "has learnt from" not in again.err
    assert "it is there and matches" in again.err


def test_scale_and_bright_membranes_are_found_from_the_image(program, tmp_path):
    sections = synthetic_em_stack(2, 256)[0]
    larger = save_stack(tmp_path / "larger.tif", zoom(sections, (1, 2, 2), order=1), axes="zyx")
    options = ("--model", "em-membranes-fast", "--device", "cpu", "--scale", "auto")
    result = program("segment", larger, "--output", tmp_path / "out.tif", *options)
    assert f"scale 0.5: {larger}: em-membranes-fast agrees best with itself" in result.err
    with open_stack(tmp_path / "out.tif") as out:
        assert out.metadata["napari_unets"]["settings"]["scale"] == 0.5
    negative = save_stack(tmp_path / "negative.tif", 255 - sections, axes="zyx")
    result = program("segment", negative, "--output", tmp_path / "a.tif", *options)
    assert "only with bright and dark exchanged: give --invert" in result.err
    result = program("segment", negative, "--output", tmp_path / "b.tif", *options, "--invert")
    assert f"scale 1: {negative}: em-membranes-fast agrees best" in result.err
    noise = np.random.default_rng(0).integers(0, 255, (1, 256, 256), dtype=np.uint8)
    unknown = save_stack(tmp_path / "noise.tif", noise, axes="zyx")
    result = program("segment", unknown, "--output", tmp_path / "c.tif", *options)
    assert f"scale 1: {unknown}: em-membranes-fast may not know such images" in result.err


def test_settings_reach_the_inference(program, own_model, image, tmp_path):
    target = tmp_path / "out.tif"
    arguments = ("--probabilities", "--tta", "--scale", "1.5", "--tile", "32", "--halo", "exact", *FAST)
    assert program("segment", image, "--output", target, *arguments).code == 0
    expected = in_python(own_model, image, predict, tta=True, scale=1.5, tile=32, halo="exact")
    with open_stack(target) as out:
        np.testing.assert_allclose(out[...], expected, atol=1e-6)
        assert out.metadata["napari_unets"]["settings"]["halo"] == "exact"
        assert out.metadata["napari_unets"]["settings"]["tile"] == 32


def test_a_folder_gets_a_file_for_each_input(program, own_model, image, tmp_path):
    other = tmp_path / "page.png"
    save_stack(other, np.zeros((1, 40, 40), np.uint8), axes="zyx")
    folder = tmp_path / "new" / "results"
    assert program("segment", image, other, "--output", folder, *FAST).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["page.tif", "sections.tif"]


def test_what_is_there_is_kept_without_overwrite(program, own_model, image, tmp_path):
    target = tmp_path / "out.tif"
    target.write_bytes(b"mine")
    result = program("segment", image, "--output", target, *FAST)
    assert result.code == 1
    assert str(target) in result.err
    assert "--overwrite" in result.err
    assert target.read_bytes() == b"mine"
    assert program("segment", image, "--output", target, "--overwrite", *FAST).code == 0
    with open_stack(target) as out:
        assert out.shape == (3, 40, 56)


def test_interrupted_leaves_nothing(program, own_model, image, tmp_path, monkeypatch):
    folder = tmp_path / "results"

    def interrupted(model, stack, *, out, **_):
        out[0, slice(0, 40), slice(0, 56)] = np.ones((40, 56), np.uint8)
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_unets.inference.segment", interrupted)
    assert program("segment", image, "--output", folder / "out.tif", *FAST).code == 130
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_terminated_leaves_nothing(own_model, tmp_path):
    image, folder = tmp_path / "large.tif", tmp_path / "results"
    folder.mkdir()
    save_stack(image, np.zeros((400, 256, 256), np.uint8), axes="zyx")
    program = Path(sys.executable).parent / "napari-unets"
    command = [program, "segment", image, "--output", folder / "out.tif", "--model", own_model, "--tta"]
    process = subprocess.Popen([*command, "--backend", "torch"], stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(folder.iterdir()):
        time.sleep(0.05)
    process.terminate()
    assert process.wait() == 143
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--model", "no-such"], 1, "no model 'no-such'"),
        (["--device", "cuda:99"], 1, "cuda:99"),
        (["--device", "tpu"], 2, "tpu: should be auto, cpu, mps, cuda, or one GPU such as cuda:1"),
        (["--halo", "some"], 2, "--halo: some: should be card, exact, or a number of pixels from 0"),
        (["--halo", "-1"], 2, "--halo: -1: should be"),
        (["--scale", "0.3"], 2, "--scale: 0.3: should be a number from 0.25 to 4, in quarters"),
        (["--tile", "0"], 2, "--tile: 0: should be greater than or equal to 1"),
        (["--precision", "fp8"], 2, "--precision"),
        (["--probabilities", "--instances"], 2, "one of"),
    ],
)
def test_mistakes(program, own_model, image, tmp_path, arguments, code, said):
    result = program("segment", image, "--output", tmp_path / "out.tif", "--model", "mine", *arguments)
    assert result.code == code
    assert said in " ".join(result.err.split())
    assert not (tmp_path / "out.tif").exists()


def test_nothing_is_written_to_stdout(program, image, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = program("segment", image, "--output", "-", "--model", "otsu")
    assert (result.code, result.out) == (1, "")
    assert "not written to stdout" in result.err
    assert not (tmp_path / "-").exists()


def test_an_output_inside_a_file_is_refused(program, image, tmp_path):
    (tmp_path / "notes").write_text("mine")
    result = program("segment", image, "--output", tmp_path / "notes" / "mask.tif", "--model", "otsu")
    assert result.code == 1
    assert f"{tmp_path / 'notes'} is a file, in which nothing can be put" in result.err


@pytest.mark.parametrize("name", ["mask.jpg", "mask.h5", "mask.MRC", "mask.npy"])
def test_a_format_that_is_not_written_does_not_become_a_folder(program, image, tmp_path, name):
    result = program("segment", image, "--output", tmp_path / name, "--model", "otsu")
    assert result.code == 1
    assert "files are not written; choose .tif or .ome.zarr, .pdf or .png" in result.err
    assert not (tmp_path / name).exists()
    (tmp_path / name).mkdir()
    assert program("segment", image, "--output", tmp_path / name, "--model", "otsu").code == 0


def test_a_missing_or_broken_input_is_named(program, own_model, tmp_path):
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0nonsense")
    for path in (tmp_path / "missing.tif", broken):
        result = program("segment", path, "--output", tmp_path / "out.tif", *FAST)
        assert result.code == 1
        assert str(path) in result.err
        assert result.err.strip().splitlines()[-1].startswith("napari-unets: ")
