"""``napari-unets segment``: documents in, clean documents out."""

from __future__ import annotations

import numpy as np
import pikepdf
import pytest
import tifffile
from PIL import Image
from skimage.data import page

from napari_unets.images import create_page_writer, open_pages, open_stack
from napari_unets.inference import segment
from napari_unets.models import load_model

SCANS = (page()[:120, :150], page()[:90, :160])
COLOUR = np.stack([SCANS[0], SCANS[0] // 2, SCANS[0] // 3], -1)


SAUVOLA = ("--model", "sauvola")


def ink(scan, model="sauvola"):
    return segment(load_model(model), scan) == 1


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "scans.pdf"
    with create_page_writer(path) as writer:
        writer.write(SCANS[0], dpi=(150, 150))
        writer.write(SCANS[1], dpi=(300.5, 300.5))
    return path


def test_a_pdf_becomes_a_clean_pdf(program, pdf, tmp_path):
    target = tmp_path / "clean.pdf"
    result = program("segment", pdf, "--model", "sauvola", "--output", target)
    assert (result.code, result.out) == (0, "")
    with open_pages(target) as clean, open_pages(pdf) as scans:
        for found, original, scan in zip(clean, scans, SCANS, strict=True):
            np.testing.assert_array_equal(found.plane(0)[..., 0] == 0, ink(scan))
            assert found.metadata["dpi"] == pytest.approx(original.metadata["dpi"], rel=1e-5)
    with pikepdf.open(target) as a, pikepdf.open(pdf) as b:
        for one, other in zip(a.pages, b.pages, strict=True):
            assert [float(n) for n in one.mediabox] == pytest.approx([float(n) for n in other.mediabox], abs=1e-3)
        assert target.read_bytes().count(b"CCITTFaxDecode") == 2
        assert '"model": "sauvola"' in str(a.docinfo["/Keywords"])


def test_pages_and_dpi(program, pdf, tmp_path):
    target = tmp_path / "clean.tif"
    assert program("segment", pdf, "--clean", "--pages", "2", "--dpi", "100", "--output", target).code == 0
    with tifffile.TiffFile(target) as tif:
        assert len(tif.pages) == 1
        assert tif.pages[0].compression == tifffile.COMPRESSION.CCITT_T6
        assert tif.pages[0].shape == (round(90 * 100 / 300.5), round(160 * 100 / 300.5))
        assert tif.pages[0].resolution == pytest.approx((100, 100), rel=0.02)


@pytest.mark.parametrize("name", ["out.pdf", "out.tif", "out.png"])
def test_ink_keeps_its_colour(program, tmp_path, name):
    Image.fromarray(COLOUR).save(tmp_path / "in.png", dpi=(200, 200))
    assert program("segment", tmp_path / "in.png", *SAUVOLA, "--keep-colour", "--output", tmp_path / name).code == 0
    with open_stack(tmp_path / name) as stack:
        expected = np.where(ink(COLOUR)[..., None], COLOUR, 255)
        np.testing.assert_array_equal(stack.plane(0), expected)
        assert stack.metadata.get("dpi", (200, 200)) == pytest.approx((200, 200), abs=0.1)


@pytest.mark.parametrize("kind", ["bool", "uint16", "float32", "alpha", "grey"])
def test_ink_of_other_pixels(program, tmp_path, kind):
    pixels = {
        "bool": SCANS[0] > 100,
        "uint16": SCANS[0].astype(np.uint16) * 257,
        "float32": (SCANS[0] / 255).astype(np.float32),
        "alpha": np.dstack([COLOUR, np.full_like(SCANS[0], 255)]),
        "grey": SCANS[0],
    }[kind]
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb" if kind == "alpha" else "minisblack")
    assert (
        program("segment", tmp_path / "in.tif", *SAUVOLA, "--keep-colour", "--output", tmp_path / "out.tif").code == 0
    )
    original = COLOUR if kind == "alpha" else (SCANS[0] > 100) * np.uint8(255) if kind == "bool" else SCANS[0]
    with open_stack(tmp_path / "out.tif") as stack:
        found = stack.plane(0)
        assert set(map(int, found[found != 255])) <= set(map(int, original.ravel()))
        assert np.all((found == 255) | (found == original))
        assert (found != 255).any()


def test_a_folder_becomes_a_folder(program, pdf, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pdf.rename(folder / "scans.pdf")
    Image.fromarray(SCANS[0]).save(folder / "photo.jpg")
    tifffile.imwrite(folder / "fax.tiff", SCANS[1])
    out = tmp_path / "new" / "out"
    assert program("segment", folder, "--clean", "--output", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == ["fax.tif", "photo.png", "scans.pdf"]
    with Image.open(out / "photo.png") as image:
        assert image.mode == "1"
    with open_pages(out / "scans.pdf") as document:
        assert len(document) == 2


def test_a_folder_is_gone_on_with_and_what_is_broken_is_left_out(program, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("1", "2", "3"):
        Image.fromarray(SCANS[0]).save(folder / f"{name}.png")
    (folder / "2.png").write_bytes(b"broken")
    result = program("segment", folder, "--clean", "--output", out)
    assert result.code == 1
    assert f"left out: {folder / '2.png'}" in result.err
    assert result.err.strip().endswith("1 of 3 outputs could not be made; the table says why")
    assert sorted(path.name for path in out.iterdir()) == ["1.png", "3.png"]

    Image.fromarray(SCANS[1]).save(folder / "2.png")
    made = (out / "1.png").stat().st_mtime_ns
    result = program("segment", folder, "--clean", "--output", out, "--resume")
    assert result.code == 0
    assert "1 done, 2 skipped" in result.err
    assert sorted(path.name for path in out.iterdir()) == ["1.png", "2.png", "3.png"]
    assert (out / "1.png").stat().st_mtime_ns == made
    result = program("segment", folder, "--clean", "--output", out, "--resume")
    assert result.code == 0
    assert result.err.strip().endswith("3 skipped")
    assert program("segment", folder, "--clean", "--output", out, "--resume", "--overwrite").code == 2


def test_several_inputs_become_one_document(program, pdf, tmp_path):
    Image.fromarray(SCANS[0]).save(tmp_path / "a.png")
    assert program("segment", tmp_path / "a.png", pdf, "--output", tmp_path / "all.pdf").code == 0
    with open_pages(tmp_path / "all.pdf") as document:
        assert [page.plane_shape for page in document] == [SCANS[0].shape, SCANS[0].shape, SCANS[1].shape]


def test_class_ids_of_pages_of_several_sizes(program, pdf, tmp_path):
    target = tmp_path / "ids.tif"
    assert program("segment", pdf, "--model", "otsu", "--output", target).code == 0
    with open_pages(target) as document:
        for found, scan in zip(document, SCANS, strict=True):
            assert found.is_labels
            np.testing.assert_array_equal(found.plane(0), segment(load_model("otsu"), scan))
            assert [c["name"] for c in found.metadata["napari_unets"]["classes"]] == ["ink", "paper"]
    result = program("segment", pdf, "--model", "otsu", "--output", tmp_path / "ids.ome.zarr")
    assert result.code == 1
    assert "its pages differ" in result.err


@pytest.mark.parametrize("kind", [(), ("--probabilities",)])
def test_class_ids_of_a_scan_keep_its_resolution(program, tmp_path, kind):
    Image.fromarray(SCANS[0]).save(tmp_path / "scan.tif", dpi=(300, 200))
    target = tmp_path / "ids.tif"
    assert program("segment", tmp_path / "scan.tif", "--model", "otsu", "--output", target, *kind).code == 0
    with open_stack(target) as stack, Image.open(target) as picture:
        assert tuple(stack.metadata["dpi"]) == picture.info["dpi"] == (300, 200)


def test_class_ids_of_scans_of_several_resolutions_have_none(program, tmp_path):
    scans, target = tmp_path / "scans.pdf", tmp_path / "ids.tif"
    for second, expected in ((150, [150, 150]), (100, None)):
        with create_page_writer(scans, overwrite=True) as writer:
            for dpi in (150, second):
                writer.write(SCANS[0], dpi=(dpi, dpi))
        assert program("segment", scans, "--model", "otsu", "--output", target, "--overwrite").code == 0
        with open_stack(target) as stack:
            assert stack.metadata.get("dpi") == (expected and pytest.approx(expected))


@pytest.mark.parametrize(("target", "arguments"), [("a.tif", ()), ("a.tif", ("--clean",)), ("a.png", ("--pages", "1"))])
def test_documents_have_a_default_model_of_their_own(program, pdf, tmp_path, target, arguments):
    result = program("segment", pdf, "--output", tmp_path / target, *arguments)
    assert result.code == 0
    assert result.err.startswith("document-ink: ")


@pytest.mark.parametrize(("holds", "model"), [("pdf", "document-ink"), ("both", "em-membranes")])
def test_the_default_model_of_a_folder_is_of_what_it_is_read_as(program, tmp_path, holds, model):
    folder = tmp_path / "in"
    folder.mkdir()
    with create_page_writer(folder / "a.pdf") as writer:
        writer.write(SCANS[1], dpi=(150, 150))
    if holds == "both":  # pictures are read as a stack, and PDFs beside them are not
        Image.fromarray(SCANS[1]).save(folder / "b.png")
    result = program("segment", folder, "--output", tmp_path / "a.tif")
    assert result.code == 0
    assert any(line.startswith(f"{model}: ") for line in result.err.splitlines())


def test_class_ids_of_pages_of_one_size_are_a_stack(program, pdf, tmp_path):
    target = tmp_path / "p.ome.zarr"
    arguments = ("--model", "otsu", "--pages", "2", "--probabilities", "--output", target)
    assert program("segment", pdf, *arguments).code == 0
    with open_stack(target) as stack:
        assert stack.shape == (1, 90, 160)
        np.testing.assert_array_equal(stack.plane(0) > 0.5, ink(SCANS[1], "otsu"))


def test_what_cannot_be_cleaned_is_told_and_leaves_nothing(program, pdf, tmp_path):
    Image.fromarray(SCANS[0][:1, :1]).save(tmp_path / "pixel.png")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nonsense")
    out = tmp_path / "out"
    out.mkdir()
    for arguments, code, said in (
        ((tmp_path / "pixel.png", "--output", out / "a.pdf"), 1, f"{tmp_path / 'pixel.png'}: is a single pixel"),
        ((tmp_path / "broken.pdf", "--output", out / "a.pdf"), 1, f"{tmp_path / 'broken.pdf'}: cannot be read"),
        ((pdf, "--output", out / "a.png"), 1, "one PNG cannot hold several pages"),
        ((pdf, "--pages", "3", "--output", out / "a.pdf"), 1, f"{pdf}: has 2 pages, there is no page 3"),
        ((pdf, "--dpi", "0", "--output", out / "a.pdf"), 1, "0 dpi"),
        ((pdf, "--clean", "--output", out / "a.ome.zarr"), 1, "a.ome.zarr"),
        ((pdf, "--probabilities", "--output", out / "a.pdf"), 2, "clean pages"),
    ):
        result = program("segment", *arguments)
        assert result.code == code, result.err
        assert said in result.err.replace("\n", " ")
        assert not list(out.iterdir())


def test_what_is_there_is_kept_without_overwrite(program, pdf, tmp_path):
    target = tmp_path / "clean.pdf"
    target.write_bytes(b"mine")
    result = program("segment", pdf, "--output", target)
    assert result.code == 1
    assert "--overwrite" in result.err
    assert target.read_bytes() == b"mine"
    assert program("segment", pdf, "--output", target, "--overwrite").code == 0
    assert target.read_bytes()[:4] == b"%PDF"


@pytest.mark.parametrize("output", ["clean", "clean.pdf"])
def test_scans_in_formats_that_are_not_read_are_named(program, tmp_path, output):
    scans = tmp_path / "scans"
    scans.mkdir()
    Image.fromarray(SCANS[0]).save(scans / "1.png")
    Image.fromarray(SCANS[0]).save(scans / "2.gif")
    result = program("segment", scans, "--clean", *SAUVOLA, "--output", tmp_path / output)
    assert result.code == 0, result.err
    left_out = f"{scans}: formats that are not read are left out, convert them to TIFF or PNG: 2.gif"
    assert result.err.splitlines().count(left_out) == 1


def test_folders_in_a_folder_are_told(program, tmp_path):
    scans = tmp_path / "scans"
    for name in ("1.png", "chapter 2/1.png", "chapter 10/1.png", "clean/old.png", ".hidden/1.png", "notes/a.txt"):
        (scans / name).parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(SCANS[0]).save(scans / name, "png")
    result = program("segment", scans, "--clean", *SAUVOLA, "--output", scans / "clean")
    everything = str(scans / "**" / "*")
    left_out = (
        f"{scans}: folders in it are left out, give '{everything}' to take their files too: chapter 2, chapter 10"
    )
    assert result.err.splitlines().count(left_out) == 1
    result = program(
        "segment", everything, "--clean", *SAUVOLA, "--output", tmp_path / "all", "--pattern", "{parent}/{stem}{ext}"
    )
    assert result.code == 0, result.err
    assert "left out" not in result.err
    assert (tmp_path / "all" / "chapter 10" / "1.png").exists()
