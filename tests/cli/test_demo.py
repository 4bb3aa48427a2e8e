"""``napari-unets demo``."""

from __future__ import annotations

import json
from contextlib import contextmanager

import imageio.v3 as iio
import numpy as np
import pytest

from napari_unets.cli import demo as command
from napari_unets.cli import demo_files
from napari_unets.cli.display import virtual_display
from napari_unets.images import open_stack, synthetic_em_stack
from napari_unets.metrics import evaluate


@contextmanager
def no_display(*_):
    yield None


@pytest.fixture
def small_demo(monkeypatch, save_own_model):
    """A demo of two small sections with a very small model."""
    save_own_model("em-membranes")
    monkeypatch.setattr("napari_unets.images.synthetic_em_stack", lambda: synthetic_em_stack(2, 96))


def check_files(folder, model="em-membranes"):
    with open_stack(folder / "segmentation.tif") as segmentation, open_stack(folder / "truth.tif") as truth:
        assert segmentation.dtype == np.uint8
        assert set(np.unique(segmentation[...])) <= {1, 2}
        assert segmentation.metadata["napari_unets"]["model"] == model
        scores = json.loads((folder / "scores.json").read_text())
        assert scores["dice"] == evaluate(segmentation, truth)["dice"]
        assert scores["v_rand"] == evaluate(segmentation, truth)["v_rand"]


def test_without_any_display_a_picture_is_drawn(program, small_demo, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "virtual_display", no_display)
    result = program("demo", "--headless", "--output", tmp_path / "demo")
    assert result.code == 0
    assert "no Xvfb" in result.err
    assert "v_rand" in result.out
    check_files(tmp_path / "demo")
    picture = iio.imread(tmp_path / "demo" / "screenshot.png")
    assert picture.shape == (96, 96 + 8 + 96, 3)
    assert (picture[:, :96, 0] == picture[:, :96, 1]).all()
    assert (picture[:, -96:, 0] != picture[:, -96:, 1]).any()


def test_a_window_that_fails_says_why_and_the_demo_goes_on(program, small_demo, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "_command", lambda *_, **__: ["sh", "-c", "echo the driver is gone >&2; exit 3"])
    result = program("demo", "--headless", "--output", tmp_path / "demo")
    assert result.code == 0
    assert "the driver is gone" in result.err
    check_files(tmp_path / "demo")


def test_what_an_earlier_demo_made_is_removed(small_demo, tmp_path):
    files = demo_files.DemoFiles(tmp_path)
    files.scores.write_text("{}")
    files.write_sample()
    assert [path.name for path in files.written()] == ["image.tif", "truth.tif"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_a_real_window(program, small_demo, tmp_path):
    pytest.importorskip("napari")
    with virtual_display() as environment:
        if environment is None:
            pytest.skip("needs Xvfb")
    result = program("demo", "--headless", "--output", tmp_path / "demo")
    assert result.code == 0
    assert "No picture" not in result.err
    check_files(tmp_path / "demo")
    height, width, _ = iio.imread(tmp_path / "demo" / "screenshot.png").shape
    assert (height, width) > (600, 1000)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_that_fails_in_the_window_ends_it(program, small_demo, tmp_path):
    pytest.importorskip("napari")
    (tmp_path / "user-models" / "em-membranes" / "weights.safetensors").write_bytes(b"damaged")
    result = program("demo", "--headless", "--output", tmp_path / "demo")
    assert result.code == 1
    assert "No picture of napari's window" in result.err
    assert "SHA-256" in result.err.splitlines()[-1]
