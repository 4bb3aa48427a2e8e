"""``napari-unets datasets``."""

from __future__ import annotations

import json

import imageio.v3 as iio
import numpy as np

from napari_unets.learning import datasets as learning_datasets
from napari_unets.learning.datasets import Dataset, RemoteFile


def test_the_datasets_are_listed(program):
    for arguments in (["datasets"], ["datasets", "list"]):
        result = program(*arguments)
        assert result.code == 0
        assert "kitti-road" in result.out
        assert "by hand" in result.out
    found = json.loads(program("datasets", "list", "--json").out)
    assert {"name", "terms", "citation", "files"} <= set(found[0])


def test_one_is_shown_with_its_terms(program):
    shown = program("datasets", "show", "kitti-road").out
    assert "NonCommercial" in shown
    assert "gt_image_2" in shown
    wrong = program("datasets", "show", "kitty")
    assert wrong.code == 1
    assert "there is no dataset 'kitty'" in wrong.err


def test_a_download_tells_the_terms(program, tmp_path, monkeypatch):
    (tmp_path / "data.txt").write_text("data")
    file = RemoteFile("http://127.0.0.1:9/data.txt", "data.txt")
    one = Dataset("a", "A", "for tests only", "https://example.org", "nobody", "", (), (file,))
    asked = []
    monkeypatch.setattr(learning_datasets, "dataset", lambda name: one)
    monkeypatch.setattr(learning_datasets, "download", lambda data, folder, on_file: asked.append((data, folder)))
    result = program("datasets", "download", "a", "--output", tmp_path / "out")
    assert result.code == 0
    assert "for tests only" in result.err
    assert asked == [(one, tmp_path / "out")]


def test_what_cannot_be_downloaded_says_where_it_is(program, tmp_path):
    result = program("datasets", "download", "kitti-road", "--output", tmp_path)
    assert result.code == 1
    assert "cvlibs.net" in result.err


def test_dibco_is_arranged(program, tmp_path):
    (tmp_path / "2014").mkdir()
    for name in ("H01.png", "H01_estGT.png"):
        iio.imwrite(tmp_path / "2014" / name, np.zeros((4, 4), np.uint8))
    result = program("datasets", "arrange", "dibco", tmp_path, "--output", tmp_path / "out")
    assert result.code == 0
    assert "1 pages" in result.err
    assert (tmp_path / "out" / "2014" / "H01_target.png").exists()
    assert program("datasets", "arrange", "bsds500", tmp_path, "--output", tmp_path / "o").code == 1
