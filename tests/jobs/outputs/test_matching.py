"""Versions of inputs, and what an output remembers of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from PIL import Image

from napari_unets.images import ImageNotFoundError, save_stack
from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs.outputs.fingerprint import fingerprint
from napari_unets.jobs.outputs.matching import MadeFrom, model_hash, record_of
from napari_unets.jobs.outputs.record import edited
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.models import load_model
from tests.jobs.batch_support import save_tiny


def test_fingerprint_of_a_file(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"12345")
    about = path.stat()
    assert fingerprint(path) == {"name": "a.tif", "bytes": 5, "modified_ns": about.st_mtime_ns}
    with pytest.raises(ImageNotFoundError, match=r"b\.tif: there is no such file"):
        fingerprint(tmp_path / "b.tif")
    assert fingerprint("https://example.org/v.ome.zarr") == {"name": "https://example.org/v.ome.zarr"}


def test_fingerprint_of_a_folder_is_that_of_its_images(tmp_path):
    for name in ("1.png", "2.png"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name)
    before = fingerprint(tmp_path)
    assert (before["name"], before["files"]) == (tmp_path.name, 2)
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.png").write_bytes(b"")
    assert fingerprint(tmp_path) == before
    (tmp_path / "1.png").rename(tmp_path / "3.png")
    assert fingerprint(tmp_path)["bytes"] == before["bytes"]
    assert fingerprint(tmp_path) != before


def test_fingerprint_of_a_zarr_sees_a_chunk_that_changes(tmp_path):
    array = zarr.create_array(tmp_path / "v.zarr", shape=(4, 8, 8), chunks=(1, 8, 8), dtype="u1", compressors=None)
    array[:] = 1
    before = fingerprint(tmp_path / "v.zarr")
    array[3] = 2
    after = fingerprint(tmp_path / "v.zarr")
    assert after["bytes"] == before["bytes"]
    assert after != before


def test_fingerprint_of_an_image_leaves_out_its_labels_and_clutter(tmp_path):
    image = save_stack(tmp_path / "v.ome.zarr", np.ones((2, 8, 8), np.uint8))
    before = fingerprint(image)
    (image / "labels").mkdir()
    save_stack(image / "labels" / "cells.ome.zarr", np.ones((2, 8, 8), np.uint8))
    (image / ".DS_Store").touch()
    (image / "0" / "._zarr.json").touch()
    assert fingerprint(image) == before
    with_labels = fingerprint(image, dataset="labels/cells.ome.zarr")
    assert with_labels["files"] > before["files"]
    (image / "0" / "c" / "more").touch()
    assert fingerprint(image)["files"] == before["files"] + 1


def test_an_array_may_be_called_labels(tmp_path):
    group = zarr.create_group(tmp_path / "v.zarr")
    group.create_array("labels", shape=(2, 8, 8), dtype="u1")[...] = 1
    before = fingerprint(tmp_path / "v.zarr")
    (tmp_path / "v.zarr" / "labels" / "c" / "more").touch()
    assert fingerprint(tmp_path / "v.zarr") != before


def test_the_hash_of_a_model_is_of_what_it_does(tmp_path):
    card = load_model(save_tiny(tmp_path / "a")).card
    assert model_hash(card) == model_hash(card.model_copy(update={"title": "x", "name": "y", "licence": "z"}))
    for field, value in {"threshold": 0.6, "halo": 9, "weights_sha256": "1" * 64}.items():
        assert model_hash(card) != model_hash(card.model_copy(update={field: value}))


def test_it_goes_through_json(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"1")
    card = load_model(save_tiny(tmp_path / "m")).card
    made = MadeFrom.of([tmp_path / "a.tif"], card, InferenceSettings(halo=8), OutputSettings(threshold=0.1))
    kept = json.loads(json.dumps(made.to_dict()))
    again = MadeFrom(tuple(kept["sources"]), kept["model_sha256"], kept["settings"])
    assert again.difference(made) == ""
    other = MadeFrom.of([tmp_path / "a.tif"], card, InferenceSettings(), OutputSettings())
    assert again.difference(other) == "halo was 8 and is card; threshold was 0.1 and is not set"


def test_inputs_of_one_name_are_told_apart(tmp_path):
    card = load_model(save_tiny(tmp_path / "m")).card
    pages = [tmp_path / folder / "p.png" for folder in "ab"]
    for number, page in enumerate(pages):
        page.parent.mkdir()
        page.write_bytes(b"1" * number)

    def made(*sources):
        return MadeFrom.of(sources, card, InferenceSettings(), OutputSettings())

    before = made(*pages)
    assert before.difference(made(*pages)) == ""
    assert before.difference(made(*reversed(pages))) == "it was made from other inputs, or in another order"
    pages[1].write_bytes(b"changed")
    assert before.difference(made(*pages)) == "p.png has changed"


def test_what_is_no_output_has_no_record(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.tif").write_bytes(b"nonsense")
    (tmp_path / "c.pdf").write_bytes(b"nonsense")
    for name in ("a.png", "b.tif", "c.pdf", "missing.tif"):
        assert record_of(tmp_path / name) == {}
        assert MadeFrom.of_output(tmp_path / name) is None


def test_what_was_edited_forgets_what_it_was_made_from():
    metadata = {"dpi": (1, 1), "napari_unets": {"model": "m", "made_from": {"sources": []}}}
    assert edited(metadata) == {"dpi": (1, 1), "napari_unets": {"model": "m"}}
    assert edited({"x": 1}) == {"x": 1}
