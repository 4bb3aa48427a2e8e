"""``napari-unets evaluate`` with documents, whose pages may have several sizes."""

from __future__ import annotations

import csv
import json
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from napari_unets.images import create_page_writer, open_stack
from napari_unets.metrics import evaluate

SIZES = ((60, 50), (40, 80), (60, 50))
RNG = np.random.default_rng(0)
TRUTHS = [np.kron(RNG.random((h // 4, w // 4)) > 0.3, np.ones((4, 4), bool)) for h, w in SIZES]
TRUTHS = [
    np.pad(t, [(0, n - m) for n, m in zip(size, t.shape, strict=True)]) for t, size in zip(TRUTHS, SIZES, strict=True)
]
PAGES = [truth ^ (RNG.random(truth.shape) < 0.05) for truth in TRUTHS]
METRICS = ("f_measure", "pseudo_f_measure", "psnr", "drd")
CLASSES = [{"id": 1, "name": "ink", "color": "#000000"}, {"id": 2, "name": "paper", "color": "#ffffff"}]


def save_pages(path, pages, output=None):
    metadata = {"napari_unets": {"output": output, "classes": CLASSES}} if output else {}
    with create_page_writer(path, metadata=metadata, labels=output == "segmentation") as writer:
        for page in pages:
            writer.write(page, dpi=(100, 100))
    return path


@pytest.fixture
def truths(tmp_path):
    folder = tmp_path / "truths"
    folder.mkdir()
    for i, truth in enumerate(TRUTHS):
        Image.fromarray(truth).save(folder / f"page-{i}.png")
    return folder


@pytest.fixture
def expected():
    return [evaluate(page, truth, METRICS) for page, truth in zip(PAGES, TRUTHS, strict=True)]


def scores_of(program, prediction, truth, *more):
    result = program("evaluate", prediction, truth, "--metrics", ",".join(METRICS), "--per-slice", "--json", *more)
    assert result.code == 0, result.err
    return json.loads(result.out)


def same(found, expected):
    assert found["per_slice"] == expected
    for name in METRICS:
        assert found[name] == pytest.approx(np.mean([scores[name] for scores in expected]), rel=1e-12)


@pytest.mark.parametrize("name", ["clean.pdf", "clean.tif", "ids.tif"])
def test_a_document_and_a_folder(program, tmp_path, truths, expected, name):
    pages = [np.where(page, 2, 1).astype(np.uint8) for page in PAGES] if name == "ids.tif" else PAGES
    path = save_pages(tmp_path / name, pages, "segmentation" if name == "ids.tif" else None)
    same(scores_of(program, path, truths), expected)
    same(scores_of(program, path, save_pages(tmp_path / "truth.tif", TRUTHS)), expected)


def test_a_table_of_the_pages(program, tmp_path, truths, expected):
    path = save_pages(tmp_path / "clean.pdf", PAGES)
    assert program("evaluate", path, truths, "--metrics", "f_measure", "--csv", tmp_path / "s.csv").code == 0
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == ["clean 1", "clean 2", "clean 3", "mean"]
    assert float(rows[1]["f_measure"]) == expected[1]["f_measure"]


def test_folders_of_pages_and_of_documents(program, tmp_path, truths, expected):
    folder = tmp_path / "clean"
    folder.mkdir()
    for i, page in enumerate(PAGES):
        save_pages(folder / f"page-{i}.tif", [page])
    same(scores_of(program, folder, truths), expected)
    documents, wanted = tmp_path / "documents", tmp_path / "wanted"
    for place, pages in ((documents, PAGES), (wanted, TRUTHS)):
        place.mkdir()
        save_pages(place / "a.pdf", pages[:2])
        save_pages(place / "b.pdf", pages[2:])
    same(scores_of(program, documents, wanted), expected)


def test_names_with_letters_that_systems_write_differently(program, tmp_path, expected):
    folders = []
    for form, pages in (("NFC", PAGES), ("NFD", TRUTHS)):
        folders.append(tmp_path / form)
        folders[-1].mkdir()
        save_pages(folders[-1] / f"{normalize(form, 'Müller')}.png", pages[:1])
    assert scores_of(program, *folders)["per_slice"] == expected[:1]


def test_two_pages_of_one_name_are_not_chosen_between(program, tmp_path, truths):
    folder = tmp_path / "clean"
    folder.mkdir()
    save_pages(folder / "page-0.tif", PAGES[:1])
    save_pages(folder / "page-0.png", PAGES[1:2])
    save_pages(folder / "page-1.png", PAGES[1:2])
    result = program("evaluate", folder, truths)
    assert result.code == 1
    assert f"{folder}: page-0.png, page-0.tif have the same name" in result.err
    (folder / "page-0.tif").rename(folder / "other.tif")
    save_pages(folder / "other.png", PAGES[:1])  # nobody asks for these
    assert program("evaluate", folder, truths).code == 1  # another size
    save_pages(folder / "page-0.tif", PAGES[:1])
    (folder / "page-0.png").unlink()
    assert program("evaluate", folder, truths).code == 0


@pytest.mark.parametrize("suffix", [".tif", ".pdf", ".png"])
@pytest.mark.parametrize("ink", [(150, 180, 250), 200], ids=["colour", "grey"])
def test_ink_with_its_colour(program, tmp_path, truths, expected, suffix, ink):
    """Light ink is ink on a page that our own program has cleaned."""
    for i, page in enumerate(PAGES):
        paper = page if np.isscalar(ink) else page[..., None]
        # faint in places: no threshold would find all of it
        colour = np.where(paper, 255, ink + RNG.integers(-90, 5, paper.shape)).astype(np.uint8)
        with create_page_writer(
            tmp_path / f"{i}{suffix}",
            metadata={"napari_unets": {"output": "clean pages", "colour": True, "classes": CLASSES}},
        ) as writer:
            writer.write(colour)
        found = scores_of(program, tmp_path / f"{i}{suffix}", truths / f"page-{i}.png")
        assert found["per_slice"] == [expected[i]]


def test_probabilities_of_pages(program, tmp_path, truths):
    scans = tmp_path / "scans.tif"
    save_pages(scans, [np.where(truth, 200, 60).astype(np.uint8) for truth in TRUTHS])
    target = tmp_path / "p.tif"
    assert program("segment", scans, "--model", "otsu", "--probabilities", "--output", target).code == 0
    with open_stack(target, pages="2") as stack:
        assert stack.dtype == np.float32
        assert stack.plane_shape == SIZES[1]
        np.testing.assert_array_equal(stack.plane(0) > 0.5, ~TRUTHS[1])
    found = scores_of(program, target, truths)
    assert found["f_measure"] == 100
    assert found["per_slice"][0]["f_measure"] == 100
    assert program("evaluate", target, truths, "--metrics", "v_rand,f_measure").code == 0


def test_pages_that_do_not_belong_together(program, tmp_path, truths):
    path = save_pages(tmp_path / "clean.pdf", PAGES[:2])
    result = program("evaluate", path, truths)
    assert result.code == 1
    assert f"{path} has 2 pages, {truths} has 3 pages" in result.err
    path = save_pages(tmp_path / "turned.pdf", [PAGES[0], PAGES[1].T, PAGES[2]])
    result = program("evaluate", path, truths)
    assert result.code == 1
    assert "'turned 2' is 80×40, its truth 'page-1' 40×80" in result.err
    assert "turned 1" not in result.err
    path = save_pages(tmp_path / "one.pdf", PAGES[:1])
    result = program("evaluate", path, truths)
    assert f"{path} has one page" in result.err
