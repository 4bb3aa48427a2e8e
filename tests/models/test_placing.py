"""A model's folder is replaced in whole or not at all."""

from __future__ import annotations

import os

import pytest

from napari_unets.models.errors import ModelFileError
from napari_unets.models.placing import check_place, made_beside


def test_what_fails_leaves_the_place_as_it_was(tmp_path):
    place = tmp_path / "model"
    place.mkdir()
    (place / "card.json").write_text("old")
    with pytest.raises(ModelFileError), made_beside(place, overwrite=True) as beside:
        (beside / "nowhere" / "card.json").write_text("new")
    assert list(tmp_path.rglob("*")) == [place, place / "card.json"]
    assert (place / "card.json").read_text() == "old"


def test_a_place_is_looked_at_without_a_trace(tmp_path):
    check_place(tmp_path / "new" / "folder" / "model", overwrite=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelFileError, match="model: the model could not be written"):
        check_place(tmp_path / "file" / "folder" / "model", overwrite=False)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_others_may_read_what_was_made(tmp_path):
    with made_beside(tmp_path / "model", overwrite=False):
        pass
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o755
