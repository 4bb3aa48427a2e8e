"""What is made beside its place comes there, or what was there stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_unets.placing import put_in_place


def _folder(path: Path, text: str) -> Path:
    path.mkdir()
    (path / "what").write_text(text)
    return path


def test_a_folder_takes_the_place_of_another(tmp_path):
    _folder(tmp_path / ".v1.old", "of a process that was killed")
    put_in_place(_folder(tmp_path / ".v1.2-x", "new"), _folder(tmp_path / "place", "old"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [".v1.old", "place"]
    assert (tmp_path / "place" / "what").read_text() == "new"


def test_a_file_takes_the_place_of_another(tmp_path):
    for name in (".new.part", "place"):
        (tmp_path / name).write_text(name)
    put_in_place(tmp_path / ".new.part", tmp_path / "place")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
    assert (tmp_path / "place").read_text() == ".new.part"


def test_a_folder_comes_back_when_the_new_one_cannot_be_moved(tmp_path):
    place = _folder(tmp_path / "place", "old")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / ".new.part", place)
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
    assert (place / "what").read_text() == "old"
