"""``napari-unets evaluate``."""

from __future__ import annotations

import csv
import json
import os

import h5py
import numpy as np
import pytest
import zarr

from napari_unets.images import save_stack
from napari_unets.metrics import evaluate

CLASSES = [{"id": 1, "name": "membrane", "color": "#000000"}, {"id": 2, "name": "cell", "color": "#ffffff"}]


@pytest.fixture
def truth_data():
    """Cells (255) in a grid of membranes (0)."""
    truth = np.full((2, 48, 48), 255, np.uint8)
    truth[:, ::12] = truth[:, :, ::12] = 0
    return truth


@pytest.fixture
def cells(truth_data):
    """A prediction of the cells that misses some membrane."""
    cells = truth_data > 0
    cells[0, 12, 2:9] = cells[1, 24] = True
    return cells


@pytest.fixture
def truth(tmp_path, truth_data):
    path = tmp_path / "truth.tif"
    save_stack(path, truth_data, axes="zyx")
    return path


def save_prediction(path, data, output):
    save_stack(path, data, axes="zyx", metadata={"napari_unets": {"output": output, "classes": CLASSES}})
    return path


def test_json_is_what_python_gives(program, tmp_path, truth, truth_data, cells):
    path = save_prediction(tmp_path / "p.tif", np.where(cells, 2, 1).astype(np.uint8), "segmentation")
    metrics = ("v_rand", "v_info", "dice", "jaccard", "pixel_error", "precision", "recall")
    result = program("evaluate", path, truth, "--metrics", ",".join(metrics), "--json", "--per-slice")
    assert result.code == 0
    found = json.loads(result.out)
    assert found == evaluate(cells, truth_data, metrics, per_slice=True)
    assert 0.5 < found["v_rand"] < 1
    assert len(found["per_slice"]) == 2


def test_each_class_by_its_name(program, tmp_path, truth_data, cells):
    ids = np.where(cells, 2, 1).astype(np.uint8)
    true = np.where(truth_data > 0, 2, 1).astype(np.uint8)
    path = save_prediction(tmp_path / "p.tif", ids, "segmentation")
    save_stack(tmp_path / "t.tif", true, axes="zyx")
    found = json.loads(program("evaluate", path, tmp_path / "t.tif", "--per-class", "--json").out)
    assert found["per_class"] == evaluate(ids, true, per_class=True)["per_class"]
    assert set(found["per_class"]) == {"1", "2"}
    table = program("evaluate", path, tmp_path / "t.tif", "--per-class").out
    for name in ("class", "membrane", "cell", "precision", f"{found['per_class']['1']['recall']:.5f}"):
        assert name in table


def test_each_class_in_a_table_of_slices(program, tmp_path):
    true = np.repeat(np.uint8([1, 2, 3]), 8)[None].repeat(6, 0)
    true = np.stack([true, np.where(true == 3, 2, true)])
    save_prediction(tmp_path / "p.tif", true, "segmentation")
    save_stack(tmp_path / "t.tif", true, axes="zyx")
    files = [tmp_path / "p.tif", tmp_path / "t.tif"]
    assert program("evaluate", *files, "--per-class", "--csv", tmp_path / "s.csv").code == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["dice of membrane"] for row in rows] == ["1.0"] * 3
    assert [row["dice of 3"] for row in rows] == ["1.0", "", "1.0"]  # of no name, and not on the second slice


def test_each_class_of_images_of_several_sizes(program, tmp_path):
    """The mean over the images that have the class."""
    for folder in ("found", "true"):
        (tmp_path / folder).mkdir()
    for name, classes in (("a", (1, 2)), ("b", (1, 2, 3))):
        true = np.repeat(np.uint8(classes), 16)[None].repeat(8 if name == "a" else 12, 0)
        ids = true.copy()
        ids[:4, :8] = 2
        save_stack(tmp_path / "found" / f"{name}.tif", ids, axes="yx")
        save_stack(tmp_path / "true" / f"{name}.tif", true, axes="yx")
    result = program("evaluate", tmp_path / "found", tmp_path / "true", "--per-class", "--json")
    classes = json.loads(result.out)["per_class"]
    assert list(classes) == ["1", "2", "3"]
    assert classes["3"]["dice"] == 1
    assert classes["1"]["recall"] == pytest.approx((1 - 32 / 128 + 1 - 32 / 192) / 2)


@pytest.fixture
def tubes(truth_data):
    """A truth of a tube through all planes, and a prediction whose tube has another id in the last one."""
    truth = np.zeros((3, 24, 24), np.uint16)
    truth[:, 4:20, 4:20] = 7
    parted = truth.copy()
    parted[2, 4:20, 4:20] = 8
    return parted, truth


def test_objects_of_a_volume_are_compared_in_3d(program, tmp_path, tubes):
    paths = [save_stack(tmp_path / f"{n}.tif", data, axes="zyx") for n, data in zip("pt", tubes, strict=True)]
    asked = ["evaluate", *paths, "--metrics", "v_rand,ap50", "--kind", "instances"]
    by_slice = json.loads(program(*asked, "--json").out)
    whole = json.loads(program(*asked, "--json", "--volume").out)
    assert whole == evaluate(*tubes, ("v_rand", "ap50"), kind="instances", volume=True)
    assert (by_slice["v_rand"], whole["v_rand"] < 1) == (1, True)
    assert program(*asked, "--volume", "--csv", tmp_path / "v.csv").code == 0
    rows = (tmp_path / "v.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["slice", f"{paths[0]} and {paths[1]}", "mean"]


def test_volumes_of_two_folders_stay_apart_and_planes_are_one(program, tmp_path, tubes):
    for side, data in zip("pt", tubes, strict=True):
        for folder in ("volumes", "planes"):
            (tmp_path / folder / side).mkdir(parents=True)
        for number in range(3):
            save_stack(tmp_path / "volumes" / side / f"{number}.tif", data, axes="zyx")
            save_stack(tmp_path / "planes" / side / f"{number}.tif", data[[number]], axes="zyx")
    wanted = evaluate(*tubes, ("v_rand",), kind="instances", volume=True)["v_rand"]
    for folder, rows in (("volumes", 3), ("planes", 1)):
        asked = ["evaluate", *(tmp_path / folder / side for side in "pt"), "--metrics", "v_rand", "--kind", "instances"]
        found = json.loads(program(*asked, "--volume", "--per-slice", "--json").out)
        assert (found["v_rand"], len(found["per_slice"])) == (pytest.approx(wanted), rows)


def test_axes_where_a_file_is_wrong(program, tmp_path, truth, truth_data, cells):
    path = tmp_path / "turned.h5"
    with h5py.File(path, "w") as file:
        file["cells"] = cells.astype(np.uint8).transpose(2, 1, 0)
    options = ["--metrics", "dice", "--json"]
    assert program("evaluate", path, truth, *options).code == 1
    found = json.loads(program("evaluate", path, truth, *options, "--axes", "xyz").out)
    assert found["dice"] == evaluate(cells, truth_data, ["dice"])["dice"]
    turned = program("evaluate", truth, path, *options, "--truth-axes", "xyz")
    assert turned.code == 0, turned.err
    wrong = program("evaluate", path, truth, *options, "--axes", "qyx")
    assert (wrong.code, "turned.h5" in wrong.err) == (1, True)


def test_per_slice_only_on_request(program, tmp_path, truth, truth_data, cells):
    path = save_prediction(tmp_path / "p.tif", np.where(cells, 2, 1).astype(np.uint8), "segmentation")
    assert "per_slice" not in json.loads(program("evaluate", path, truth, "--json").out)


def test_probabilities_of_membrane_are_turned_round(program, tmp_path, truth, truth_data, cells):
    membrane = np.where(cells, 0.1, 0.9).astype(np.float32)
    path = save_prediction(tmp_path / "p.ome.zarr", membrane, "probabilities")
    found = json.loads(program("evaluate", path, truth, "--json").out)
    expected = evaluate(1 - membrane, truth_data)
    assert found["v_rand"] == expected["v_rand"]
    assert found["dice"] == evaluate(cells, truth_data)["dice"]
    assert 0.1 <= found["v_rand_threshold"] <= 0.9


def test_probabilities_of_membrane_from_elsewhere(program, tmp_path, truth, truth_data, cells):
    membrane = np.where(cells, 0.1, 0.9).astype(np.float32)
    save_stack(tmp_path / "p.tif", membrane, axes="zyx")
    wrong = program("evaluate", tmp_path / "p.tif", truth, "--json")
    assert "warning: the probabilities are higher where the truth is 0" in wrong.err
    right = program("evaluate", tmp_path / "p.tif", truth, "--json", "--probability-of", "background")
    assert "warning" not in right.err
    assert json.loads(right.out) == evaluate(1 - membrane, truth_data) != json.loads(wrong.out)


def test_all_classes_are_told_apart_by_the_first(program, tmp_path, truth, truth_data, cells):
    membrane = np.where(cells, 0.1, 0.9).astype(np.float32)
    path = tmp_path / "p.tif"
    metadata = {"napari_unets": {"output": "probabilities", "classes": CLASSES, "class_axis": True}}
    save_stack(path, np.stack([membrane, 1 - membrane]), axes="czyx", metadata=metadata)
    found = json.loads(program("evaluate", path, truth, "--json").out)
    assert found["v_rand"] == evaluate(1 - membrane, truth_data)["v_rand"]
    # behind the time, as in an OME-Zarr
    times = np.stack([membrane, 1 - membrane])[None].swapaxes(1, 2)[0][:, :, None]
    save_stack(tmp_path / "t.tif", times, axes="tczyx", metadata=metadata)
    save_stack(tmp_path / "truth-t.tif", np.asarray(truth_data)[:, None], axes="tzyx")
    found = json.loads(program("evaluate", tmp_path / "t.tif", tmp_path / "truth-t.tif", "--json").out)
    assert found["v_rand"] == evaluate(1 - membrane, truth_data)["v_rand"]


def test_instances(program, tmp_path, truth, truth_data):
    from skimage.measure import label

    ids = np.stack([label(plane > 0, connectivity=1) for plane in truth_data]).astype(np.uint32)
    path = save_prediction(tmp_path / "p.tif", ids, "instances")
    found = json.loads(program("evaluate", path, truth, "--metrics", "v_rand,ap50", "--json").out)
    assert found["v_rand"] == found["ap50"] == 1


def test_table(program, tmp_path, truth, cells):
    path = save_prediction(tmp_path / "p.tif", np.where(cells, 2, 1).astype(np.uint8), "segmentation")
    result = program("evaluate", path, truth, "--per-slice")
    assert result.code == 0
    for part in ("slice", "v_rand", "dice", "p 0", "p 1", "mean"):
        assert part in result.out
    assert "class ids 1, 2" in result.err


def test_csv(program, tmp_path, truth, truth_data, cells):
    path = save_prediction(tmp_path / "p.tif", np.where(cells, 2, 1).astype(np.uint8), "segmentation")
    target = tmp_path / "scores.csv"
    assert program("evaluate", path, truth, "--csv", target).code == 0
    with target.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == ["p 0", "p 1", "mean"]
    assert float(rows[-1]["dice"]) == evaluate(cells, truth_data)["dice"]


def test_a_csv_that_cannot_be_written_is_told_before_anything_is_scored(program, tmp_path, truth, monkeypatch):
    allowed = os.access  # root may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "locked" and allowed(path, mode))
    (tmp_path / "locked").mkdir()
    refused = program("evaluate", truth, truth, "--csv", tmp_path / "locked" / "s.csv")
    assert refused.code == 2
    assert "cannot be written" in refused.err
    assert "read as" not in refused.err


def test_csv_never_takes_the_place_of_an_image(program, tmp_path, truth, truth_data, cells):
    path = save_prediction(tmp_path / "p.tif", np.where(cells, 2, 1).astype(np.uint8), "segmentation")
    before = path.read_bytes()
    result = program("evaluate", path, truth, "--csv", path)
    assert result.code == 2
    assert "p.tif is the name of an image; name a .csv file" in " ".join(result.err.split())
    assert path.read_bytes() == before


def folders(tmp_path, predictions, truths):
    for folder, images in (("predictions", predictions), ("truths", truths)):
        (tmp_path / folder).mkdir()
        for name, image in images.items():
            save_stack(tmp_path / folder / name, image[None], axes="zyx")
    return tmp_path / "predictions", tmp_path / "truths"


def test_folders_of_one_size_are_a_stack(program, tmp_path, truth_data, cells):
    """So the threshold is one for all files."""
    probability = np.where(cells, [[[0.35]], [[0.95]]], 0.05).astype(np.float32)
    predictions = {"b.tif": probability[1], "a10.tif": probability[1], "a9.tif": probability[0]}
    truths = {"a9.png": truth_data[0], "a10.png": truth_data[1], "c.png": truth_data[0]}
    result = program("evaluate", *folders(tmp_path, predictions, truths), "--json", "--per-slice")
    assert result.code == 0
    assert json.loads(result.out) == evaluate(probability, truth_data, per_slice=True)
    assert "c" in result.err.split("left out, since")[1].splitlines()[0]
    assert result.err.count("left out, since") == 2


def test_folders_of_several_sizes_are_averaged(program, tmp_path, truth_data, cells):
    small = np.s_[:40, :30]
    predictions = {"a.png": cells[0].astype(np.uint8), "b.png": cells[1][small].astype(np.uint8)}
    truths = {"a.png": truth_data[0], "b.png": truth_data[1][small]}
    result = program("evaluate", *folders(tmp_path, predictions, truths), "--json", "--per-slice")
    found = json.loads(result.out)
    each = [evaluate(cells[0], truth_data[0]), evaluate(cells[1][small], truth_data[1][small])]
    assert found["dice"] == pytest.approx((each[0]["dice"] + each[1]["dice"]) / 2)
    assert [row["dice"] for row in found["per_slice"]] == [scores["dice"] for scores in each]


def test_other_files_of_a_folder_are_left_alone(program, tmp_path, truth_data):
    names = {"a.png": truth_data[0], "b.png": truth_data[1]}
    both = folders(tmp_path, names, names)
    expected = program("evaluate", *both, "--json").out
    for folder in both:
        (folder / "Thumbs.db").write_bytes(b"no image")
        (folder / "notes.txt").write_text("no image")
        (folder / "old").mkdir()
    result = program("evaluate", *both, "--json")
    assert (result.code, result.out) == (0, expected)
    assert "left out" not in result.err


def test_labels_in_an_ome_zarr_are_no_folders_of_files(program, tmp_path, truth_data):
    paths = [tmp_path / f"{name}.ome.zarr" / "labels" / "cells" for name in "ab"]
    for path in paths:
        zarr.create_group(path.parents[1]).create_group("labels").create_array("cells", data=truth_data)
    result = program("evaluate", *paths, "--json")
    assert result.code == 0
    assert json.loads(result.out)["v_rand"] == 1


def test_folders_without_common_names(program, tmp_path, truth_data):
    result = program("evaluate", *folders(tmp_path, {"a.png": truth_data[0]}, {"b.png": truth_data[0]}))
    assert result.code == 1
    assert "no images of the same name (a and b, for instance)" in result.err


def test_shapes_that_differ_offer_what_would_fit(program, tmp_path, truth, truth_data):
    for data, offer in ((truth_data.transpose(1, 2, 0), "transpose"), (truth_data[:, 4:44, 4:44], "[0:2, 4:44, 4:44]")):
        path = tmp_path / "p.tif"
        save_stack(path, data, axes="zyx", overwrite=True)
        result = program("evaluate", path, truth)
        assert result.code == 1
        assert str(path) in result.err
        assert str(data.shape) in result.err
        assert offer in result.err


def test_mistakes(program, tmp_path, truth):
    assert program("evaluate", truth, truth, "--metrics", "niceness").code == 1
    assert "niceness" in program("evaluate", truth, truth, "--metrics", "niceness").err
    assert program("evaluate", truth, tmp_path / "none.tif").code == 1
    assert program("evaluate", truth, truth, "--json", "--csv", tmp_path / "s.csv").code == 2
    for target in (tmp_path / "missing" / "s.csv", tmp_path):  # noticed before all is scored
        refused = program("evaluate", truth, truth, "--csv", target)
        assert (refused.code, "is read as" in refused.err) == (2, False)
    assert program("evaluate", truth, truth, "--kind", "cats").code == 2


def test_what_is_undefined_is_null_and_says_why(program, tmp_path):
    empty = tmp_path / "empty.tif"
    save_stack(empty, np.zeros((1, 20, 20), np.uint8), axes="zyx")
    result = program("evaluate", empty, empty, "--json")
    assert result.code == 0
    found = json.loads(result.out)
    missing = [name for name, value in found.items() if value is None]
    assert missing
    assert set(found["undefined"]) & set(missing)
    assert "is undefined: " in program("evaluate", empty, empty).err
