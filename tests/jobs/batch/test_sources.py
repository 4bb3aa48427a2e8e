"""Files, folders and globs to inputs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import zarr

from napari_unets.jobs.batch.plan import BatchPlanError, plan_items
from napari_unets.jobs.batch.sources import SourceError, find_sources, holds_documents


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    """A folder with images, other files, a folder of images and an OME-Zarr."""
    for name in (
        "1.tif",
        "2.tif",
        "10.tif",
        "notes.txt",
        "scan.pdf",
        "in/3.png",
        "in/4.png",
        "in/deep/5.png",
        "[x].tif",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    zarr.create_array(tmp_path / "v.ome.zarr", shape=(1, 8, 8), dtype="u1")
    (tmp_path / ".hidden.tif").touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "keywords", "expected"),
    [
        (["1.tif", "in"], {}, ["1.tif", "in"]),
        ("1.tif", {}, ["1.tif"]),
        (Path("in"), {"each": True}, ["in/3.png", "in/4.png"]),
        (["in"], {"each": True}, ["in/3.png", "in/4.png"]),
        (["*.tif"], {}, ["1.tif", "2.tif", "10.tif", "[x].tif"]),
        (["*"], {}, ["1.tif", "2.tif", "10.tif", "[x].tif", "in", "scan.pdf", "v.ome.zarr"]),
        (["**/*.png"], {}, ["in/3.png", "in/4.png", "in/deep/5.png"]),
        (["v.ome.zarr", "*.zarr"], {}, ["v.ome.zarr"]),
        (["."], {"each": True}, ["1.tif", "2.tif", "10.tif", "[x].tif", "scan.pdf", "v.ome.zarr"]),
        (["."], {"pages": True}, ["1.tif", "2.tif", "10.tif", "[x].tif", "scan.pdf"]),
        (["[x].tif"], {}, ["[x].tif"]),
        (["2.tif", "*.tif"], {}, ["2.tif", "1.tif", "10.tif", "[x].tif"]),
        (["missing.tif", "1.tif"], {}, ["missing.tif", "1.tif"]),
        (["s3://bucket/v.ome.zarr"], {"each": True}, ["s3://bucket/v.ome.zarr"]),
    ],
)
def test_found(tree, names, keywords, expected):
    assert find_sources(names, **keywords) == [
        name.replace("/", os.sep) if "://" not in name else name for name in expected
    ]


def test_one_input_is_no_sequence_of_letters(tree):
    for source in ("1.tif", Path("1.tif"), [Path("1.tif")]):
        (item,) = plan_items(source, "out", "{stem}{ext}", model="m", kind="segmentation")
        assert (item.name, item.target) == ("1.tif", Path("out/1.tif"))
    with pytest.raises(BatchPlanError, match="there is no kind of output 'masks'; there are segmentation, prob"):
        plan_items(["1.tif"], "out", "{stem}_{kind}.tif", model="m", kind="masks")


def test_absolute_patterns_and_paths(tree):
    assert find_sources([tree / "1.tif", f"{tree}/in/*.png"]) == [
        str(tree / n) for n in ("1.tif", "in/3.png", "in/4.png")
    ]


def test_nothing_twice_whichever_way_it_is_named(tree):
    names = ["in/3.png", tree / "in" / "3.png", "in/deep/../3.png", "./in/*.png", "in", tree / "in", "."]
    assert find_sources(names) == [str(Path(name)) for name in ("in/3.png", "in/4.png", "in", ".")]


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_another_name_of_a_file_is_what_another_output_is_called_after(tree):
    (tree / "link.tif").symlink_to(tree / "1.tif")
    assert find_sources(["1.tif", "link.tif", tree]) == ["1.tif", "link.tif", str(tree)]


def test_what_is_opened_as_a_document(tree):
    (tree / "pdfs").mkdir()
    (tree / "pdfs" / "a.PDF").touch()
    sources = ("scan.pdf", "pdfs", ".", "in", "empty", "1.tif", "v.ome.zarr", "missing", "s3://bucket/v.ome.zarr")
    assert [source for source in sources if holds_documents(source)] == ["scan.pdf", "pdfs"]


@pytest.mark.parametrize(
    ("names", "keywords", "said"),
    [
        (["no-*.tif"], {}, "matches nothing"),
        (["*.txt"], {}, "matches no images"),
        (["empty"], {"each": True}, "no images in this folder"),
        (["empty"], {"pages": True}, "no images in this folder"),
    ],
)
def test_what_leads_to_nothing_is_told(tree, names, keywords, said):
    with pytest.raises(SourceError, match=said):
        find_sources(["1.tif", *names], **keywords)


@pytest.fixture
def locked(tree, monkeypatch) -> Path:
    """A folder in which nothing may be looked up, such as ``lost+found``; root may, so that it is played."""
    folder = tree / "locked"
    folder.mkdir()
    stat = os.stat

    def refuse(path, *args, **kwargs):
        if isinstance(path, str | Path) and folder in (tree / path).parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", refuse)
    return folder


def test_a_locked_folder_beside_the_images_is_passed_over(tree, locked):
    with pytest.raises(PermissionError):
        (locked / "zarr.json").exists()
    assert find_sources(["."], each=True) == ["1.tif", "2.tif", "10.tif", "[x].tif", "scan.pdf", "v.ome.zarr"]


@pytest.mark.parametrize("each", [False, True])
def test_an_input_that_may_not_be_looked_up_fails_when_its_turn_comes(locked, each):
    assert find_sources(["1.tif", "locked/a.tif"], each=each) == ["1.tif", "locked/a.tif"]
    items = plan_items(["1.tif", "locked/a.tif"], Path("out"), "{stem}{ext}", model="m", kind="segmentation")
    assert [item.target for item in items] == [Path("out/1.tif"), Path("out/a.tif")]
