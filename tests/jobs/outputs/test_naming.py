"""Names of outputs, and plans that cannot be carried out."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_unets.jobs.batch.plan import BatchPlanError, plan_items
from napari_unets.jobs.outputs.naming import PatternError, name_outputs


def names(sources, pattern, kind="segmentation"):
    return [str(p) for p in name_outputs(sources, Path("out"), pattern, model="em-membranes", kind=kind)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{stem}{ext}", ["out/a.tif", "out/b.v1.tif"]),
        ("{stem}_{model}.ome.zarr", ["out/a_em-membranes.ome.zarr", "out/b.v1_em-membranes.ome.zarr"]),
        ("{kind}/{parent}-{number:03}.tif", ["out/segmentation/data-001.tif", "out/segmentation/more-002.tif"]),
    ],
)
def test_fields(pattern, expected):
    sources = ["/data/a.ome.tif", "/data/more/b.v1.png"]
    assert names(sources, pattern) == [str(Path(name)) for name in expected]


def test_the_usual_suffix_of_clean_pages_is_that_of_the_input():
    sources = ["scan.PDF", "photo.JPG", "fax.tiff", "x.png", "folder"]
    assert names(sources, "{stem}{ext}", "clean") == [
        str(Path("out") / name) for name in ("scan.pdf", "photo.png", "fax.tif", "x.png", "folder.png")
    ]


def test_names_of_addresses():
    assert names(["s3://bucket/deep/v.ome.zarr"], "{parent}-{stem}{ext}") == [str(Path("out/deep-v.tif"))]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("{name}.tif", r"\{name\} is unknown; there are \{stem\}"),
        ("{}.tif", "unknown"),
        ("{stem.tif", "no pattern"),
        ("{stem:d}.tif", "cannot be filled in"),
        ("{stem.nothing}.tif", "unknown"),
        ("../{stem}.tif", "leads out"),
        ("/tmp/{stem}.tif", "leads out"),
        ("{stem}", "add '{ext}'"),
        ("{stem}.jpg", "ends in none of"),
    ],
)
def test_patterns_that_give_no_names(pattern, said):
    with pytest.raises(PatternError, match=said):
        names(["a.tif"], pattern)


def test_clean_pages_are_not_written_to_zarr():
    with pytest.raises(PatternError, match="ends in none of"):
        names(["a.png"], "{stem}.ome.zarr", "clean")


def plan(sources, folder, pattern="{stem}{ext}"):
    return [
        item.target for item in plan_items([str(s) for s in sources], folder, pattern, model="m", kind="segmentation")
    ]


def test_plan(tmp_path):
    out = tmp_path / "out"
    assert plan([tmp_path / "a.png", tmp_path / "b.png"], out) == [out / "a.tif", out / "b.tif"]
    with pytest.raises(BatchPlanError, match=r"a\.png and .*a\.jpg would both .*\{parent\}"):
        plan([tmp_path / "a.png", tmp_path / "a.jpg"], out)
    with pytest.raises(BatchPlanError, match="is an input"):
        plan([tmp_path / "a.tif"], tmp_path)
    with pytest.raises(BatchPlanError, match="there are no inputs"):
        plan([], out)


def test_outputs_among_the_inputs_are_left_out(tmp_path):
    sources = [tmp_path / "a.tif", tmp_path / "a_m.tif", tmp_path / "b.tif"]
    assert plan(sources, tmp_path, "{stem}_{model}.tif") == [tmp_path / "a_m.tif", tmp_path / "b_m.tif"]


def test_names_that_are_too_long_are_told_before_anything_is_computed(tmp_path):
    """Under which nothing can be made, since the hidden name beside it is longer still."""
    pattern = "é" * 116 + "{ext}"  # of two bytes each
    plan_items(["a.tif"], tmp_path, pattern, model="m", kind="segmentation")
    with pytest.raises(BatchPlanError, match=r"the name has 237 bytes, 236 are possible"):
        plan_items(["a.tif"], tmp_path, f"x{pattern}", model="m", kind="segmentation")


def test_a_folder_that_is_a_file_is_told_before_anything_is_computed(tmp_path):
    (tmp_path / "o.tif").write_text("")
    for pattern in ("o.tif/{stem}{ext}", "o.tif/more/{stem}{ext}"):
        with pytest.raises(BatchPlanError, match=r"o\.tif is a file, in which nothing can be put"):
            plan_items(["a.tif"], tmp_path, pattern, model="m", kind="segmentation")
