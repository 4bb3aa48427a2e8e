"""Documents in: PDF, pages of several sizes, folders, what is wrong with them, and which pages are meant."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import tifffile
from PIL import Image

from napari_unets.images import (
    EmptyImageError,
    EncryptedImageError,
    ImageNotFoundError,
    MissingExtraError,
    MixedSizesError,
    PageChoiceError,
    UnreadableImageError,
    UnsupportedImageError,
    create_page_writer,
    open_page,
    open_pages,
    open_stack,
    save_stack,
    tiff_pages,
)
from napari_unets.images.folder import image_files
from napari_unets.images.page_numbers import chosen_pages
from napari_unets.images.pages import page_files

RNG = np.random.default_rng(0)
BIT = RNG.random((70, 50)) > 0.3
COLOUR = RNG.integers(0, 255, (40, 60, 3), dtype=np.uint8)
GREY = RNG.integers(0, 255, (40, 60), dtype=np.uint8)


def rgb(pixels):
    pixels = pixels * np.uint8(255) if pixels.dtype == bool else pixels
    return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, -1)


@pytest.fixture
def pdf(tmp_path):
    """Three scans of different sizes and resolutions."""
    path = tmp_path / "scans.pdf"
    with create_page_writer(path) as writer:
        writer.write(BIT, dpi=(200, 100))
        writer.write(COLOUR, dpi=(150.5, 150.5))
        writer.write(GREY, dpi=(150.5, 150.5))
    return path


def drawn_pdf(path, size=(72, 144), rotate=0):
    """A page without an image: a black square of 36 points at the lower left."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=size)
    page.Contents = document.make_stream(b"0 0 0 rg 0 0 36 36 re f")
    page.Rotate = rotate
    document.save(path)
    return path


def test_pages_of_a_pdf_are_the_scans_to_the_bit(pdf):
    with open_pages(pdf) as document:
        assert len(document) == 3
        assert document.names == ["scans 1", "scans 2", "scans 3"]
        for page, scan, dpi in zip(
            document, (BIT, COLOUR, GREY), ((200, 100), (150.5,) * 2, (150.5,) * 2), strict=True
        ):
            assert page.axes == "zyxs"
            np.testing.assert_array_equal(page.plane(0), rgb(scan))
            np.testing.assert_array_equal(page.plane(0, (slice(3, 20), slice(5, 9))), rgb(scan)[3:20, 5:9])
            assert page.metadata["dpi"] == pytest.approx(dpi, rel=1e-6)
        assert [page.name for page in document[1:]] == ["scans 2", "scans 3"]


def test_a_resolution_that_is_asked_for(tmp_path):
    path = drawn_pdf(tmp_path / "drawn.pdf")
    with open_stack(path) as stack:
        assert stack.shape == (1, 600, 300, 3)  # 1 by 2 inches at 300 dpi
    with open_stack(path, dpi=100) as stack:
        assert stack.shape == (1, 200, 100, 3)
        assert stack.metadata["dpi"] == (100, 100)
        plane = stack.plane(0)
        assert not plane[151:, :49].any()
        assert (plane[:149] == 255).all()
        np.testing.assert_array_equal(stack[0, 140:160:2, 45:55], plane[140:160:2, 45:55])
        assert stack[0, 5:5].shape == (0, 100, 3)


@pytest.mark.parametrize("kind", ["plain", "inverted", "stencil", "palette"])
def test_one_bit_images_of_every_kind(tmp_path, kind):
    """What PDFs make of the same bits: black is 0, black is 1, black where 0 is stencilled, colours of a palette."""
    document = pikepdf.new()
    bits = np.packbits(BIT, axis=1).tobytes()
    image = pikepdf.Stream(document, bits, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
    image.Width, image.Height, image.BitsPerComponent = BIT.shape[1], BIT.shape[0], 1
    if kind == "stencil":
        image.ImageMask = True
    elif kind == "palette":
        image.ColorSpace = [pikepdf.Name.Indexed, pikepdf.Name.DeviceRGB, 1, b"\x20\x10\x00\xff\xee\xdd"]
    else:
        image.ColorSpace = pikepdf.Name.DeviceGray
    if kind == "inverted":
        image.Decode = [1, 0]
    page = document.add_blank_page(page_size=(BIT.shape[1] * 0.36, BIT.shape[0] * 0.36))
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=image))
    page.Contents = document.make_stream(f"{BIT.shape[1] * 0.36} 0 0 {BIT.shape[0] * 0.36} 0 0 cm /Im Do".encode())
    document.save(tmp_path / "a.pdf")
    colours = np.array([[0x20, 0x10, 0], [0xFF, 0xEE, 0xDD]] if kind == "palette" else [[0] * 3, [255] * 3], np.uint8)
    with open_stack(tmp_path / "a.pdf") as stack:
        np.testing.assert_array_equal(stack.plane(0), colours[(BIT if kind != "inverted" else ~BIT).astype(int)])
        assert stack.metadata["dpi"] == pytest.approx((200, 200), rel=1e-4)


def test_a_page_that_is_turned(tmp_path):
    with open_stack(drawn_pdf(tmp_path / "turned.pdf", rotate=90), dpi=100) as stack:
        assert stack.shape == (1, 100, 200, 3)
        assert not stack.plane(0)[:49, :49].any()  # from the lower left to the upper left


def test_pages_of_one_size_are_a_stack(pdf):
    with open_stack(pdf, pages="2-3") as stack:
        assert stack.shape == (2, 40, 60, 3)
        assert stack.name == "scans"
        np.testing.assert_array_equal(stack[1], rgb(GREY))
        again = pickle.loads(pickle.dumps(stack))
    np.testing.assert_array_equal(again.plane(0), COLOUR)
    again.close()


def test_pages_of_several_sizes_are_none_unless_padded(pdf):
    with pytest.raises(MixedSizesError, match=r"scans.pdf.*'scans 1' is 70×50.*'scans 2' 40×60.*pages that are alike"):
        open_stack(pdf)
    with open_pages(pdf).as_stack(pad=True) as stack:
        assert stack.shape == (3, 70, 60, 3)
        np.testing.assert_array_equal(stack[1, :40], COLOUR)
        assert (stack[1, 40:] == 255).all()
        assert (stack[0, :, 50:] == 255).all()
        assert [page["size"] for page in stack.metadata["pages"]] == [[70, 50], [40, 60], [40, 60]]
        assert stack.metadata["pages"][0]["dpi"] == pytest.approx((200, 100))
        np.testing.assert_array_equal(stack[::-1, 30:60:3, 40:], stack[...][::-1, 30:60:3, 40:])
        again = pickle.loads(pickle.dumps(stack))
    assert again.shape == (3, 70, 60, 3)
    again.close()


def test_one_page_by_itself(pdf):
    with open_page(pdf, 2) as page:
        again = pickle.loads(pickle.dumps(page))
    np.testing.assert_array_equal(again.plane(0), COLOUR)
    again.close()
    with pytest.raises(PageChoiceError, match=r"scans.pdf: has 3 pages, there is no page 4"):
        open_page(pdf, 4)


def test_pages_of_a_tiff(tmp_path):
    path = tmp_path / "pages.tif"
    with create_page_writer(path, metadata={"who": "me"}) as writer:
        writer.write(BIT, dpi=(300, 299.5))
        writer.write(COLOUR)
        writer.write(GREY)
    with open_pages(path) as document:
        for page, scan in zip(document, (BIT, COLOUR, GREY), strict=True):
            np.testing.assert_array_equal(page.plane(0), scan)
            assert page.metadata["who"] == "me"
            page.close()
        assert document[0].metadata["dpi"] == (300, 299.5)
    with open_pages(path).as_stack(pad=True) as stack:
        assert stack.dtype == np.uint8
        np.testing.assert_array_equal(stack[0, :, :50], rgb(BIT))


def test_pages_of_a_tiff_are_looked_for_once(tmp_path, monkeypatch):
    """Each look reads all directories: for a thousand pages a thousand times, that would be minutes."""
    with create_page_writer(tmp_path / "a.tif") as writer:
        for _ in range(5):
            writer.write(GREY)
    looks = []
    monkeypatch.setattr(tiff_pages, "_places", lambda tif, places=tiff_pages._places: looks.append(1) or places(tif))
    with open_pages(tmp_path / "a.tif") as document:
        for page in document:
            np.testing.assert_array_equal(page.plane(0), GREY)
    assert len(looks) == 1


def test_planes_of_a_stack_are_chosen_and_keep_their_voxel_size(tmp_path):
    planes = RNG.integers(0, 255, (4, 30, 40), dtype=np.uint8)
    common = {"imagej": True, "resolution": (250, 250)}
    for name, settings in (("many.tif", {}), ("one.tif", {"truncate": True})):
        metadata = {"unit": "um", "axes": "ZYX", "spacing": 0.05}
        tifffile.imwrite(tmp_path / name, planes, metadata=metadata, **common, **settings)
        with open_stack(tmp_path / name, pages="2,4") as stack:
            assert (stack.axes, stack.shape) == ("zyx", (2, 30, 40))
            assert stack.voxel_size_nm == pytest.approx((50, 4, 4))
            np.testing.assert_array_equal(stack, planes[[1, 3]])
            np.testing.assert_array_equal(stack[::-1, 3:20:2, 5], planes[[3, 1], 3:20:2, 5])
            np.testing.assert_array_equal(stack.plane(1, (slice(3, 9), slice(2, 4))), planes[3, 3:9, 2:4])
            assert stack[1:1].shape == (0, 30, 40)
            again = pickle.loads(pickle.dumps(stack))
        np.testing.assert_array_equal(again, planes[[1, 3]])
        again.close()
        with pytest.raises(PageChoiceError, match=rf"{name}: has 4 pages, there is no page 5"):
            open_stack(tmp_path / name, pages="5")
        with open_pages(tmp_path / name, pages="3-") as document:
            assert len(document) == 2
            np.testing.assert_array_equal(document[1].plane(0), planes[3])


def test_planes_of_a_stack_of_any_format(tmp_path):
    values = RNG.integers(0, 255, (2, 3, 30, 40), dtype=np.uint8)
    save_stack(tmp_path / "a.ome.zarr", values, axes="tzyx", voxel_size_nm=(50, 4, 4))
    with open_stack(tmp_path / "a.ome.zarr", pages=[6, 1]) as stack:
        assert (stack.axes, stack.voxel_size_nm) == ("zyx", (50, 4, 4))
        np.testing.assert_array_equal(stack, [values[1, 2], values[0, 0]])
    save_stack(tmp_path / "a", values[0], axes="zyx")
    with open_stack(tmp_path / "a", pages="2-", axes="zxy") as stack:
        np.testing.assert_array_equal(stack, values[0, 1:].swapaxes(1, 2))


def test_pages_of_one_size_of_a_tiff_with_others(tmp_path):
    with create_page_writer(tmp_path / "a.tif") as writer:
        for page in (BIT, GREY, GREY):
            writer.write(page, dpi=(150, 150))
    with pytest.raises(MixedSizesError):
        open_stack(tmp_path / "a.tif")
    with open_stack(tmp_path / "a.tif", pages="2-3") as stack:
        np.testing.assert_array_equal(stack, [GREY, GREY])
        assert stack.metadata["dpi"] == (150, 150)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_tiff_is_held_upright(tmp_path, orientation):
    """As Pillow turns a JPEG with the same tag."""
    tifffile.imwrite(
        tmp_path / "a.tif",
        COLOUR,
        extratags=[(274, "H", 1, orientation, True)],
        resolution=(200, 100),
        resolutionunit=2,
    )
    picture = Image.fromarray(COLOUR)
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(tmp_path / "a.png", exif=exif, dpi=(200, 100))
    with (
        open_stack(tmp_path / "a.png") as png,
        open_stack(tmp_path / "a.tif") as tif,
        open_pages(tmp_path / "a.tif") as p,
    ):
        np.testing.assert_array_equal(tif[...], png[...])
        np.testing.assert_array_equal(p[0][...], png[...])
        np.testing.assert_array_equal(p[0].plane(0, (slice(2, 9), slice(4, 7))), png[0, 2:9, 4:7])
        assert p[0].metadata["dpi"] == pytest.approx((100, 200) if orientation > 4 else (200, 100))
        assert png.metadata["dpi"] == pytest.approx(p[0].metadata["dpi"], abs=0.02)
        p[0].close()


def test_a_folder_is_the_pages_of_all_its_files(tmp_path, pdf):
    Image.fromarray(GREY).save(tmp_path / "scans 10.png")
    Image.fromarray(COLOUR).save(tmp_path / "scans 9.jpg")
    (tmp_path / "notes.txt").write_text("no page")
    with open_pages(tmp_path) as document:
        assert document.names == ["scans 9", "scans 10", "scans 1", "scans 2", "scans 3"]
        np.testing.assert_array_equal(document[1].plane(0), GREY)
        np.testing.assert_array_equal(document[2].plane(0), rgb(BIT))
    with open_pages(tmp_path, pages=[2, 5]) as document:
        assert document.names == ["scans 10", "scans 3"]


def test_a_folder_of_documents_only_is_a_stack(tmp_path):
    for name in ("1", "2"):
        with create_page_writer(tmp_path / f"{name}.pdf") as writer:
            writer.write(GREY)
    with open_stack(tmp_path) as stack:
        assert stack.shape == (2, 40, 60, 3)
    Image.fromarray(BIT).save(tmp_path / "section.png")
    with open_stack(tmp_path) as stack:  # the stack of images that it has been, whatever PDF lies beside them
        assert stack.shape == (1, 70, 50)
        assert stack.metadata["remarks"] == ["PDFs beside images are left out: 1.pdf, 2.pdf"]
    for name in ("10.JP2", "9.jp2", ".8.jp2", "8.txt"):
        (tmp_path / name).write_bytes(b"")
    with open_stack(tmp_path) as stack:
        assert stack.metadata["remarks"][1:] == [
            "formats that are not read are left out, convert them to TIFF or PNG: 9.jp2, 10.JP2"
        ]


def test_what_is_wrong_with_a_pdf(tmp_path):
    empty, broken, none, locked, cut = (tmp_path / f"{n}.pdf" for n in ("empty", "broken", "none", "locked", "cut"))
    empty.touch()
    broken.write_bytes(b"not at all")
    pikepdf.new().save(none)
    drawn_pdf(cut)
    with pikepdf.open(cut) as document:
        document.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    cut.write_bytes(cut.read_bytes()[:200])
    for path, error, said in (
        (empty, EmptyImageError, "empty"),
        (broken, UnreadableImageError, "damaged, incomplete or no PDF"),
        (none, EmptyImageError, "no page"),
        (locked, EncryptedImageError, "password"),
        (cut, UnreadableImageError, "damaged"),
    ):
        for function in (open_stack, open_pages):
            with pytest.raises(error, match=f"{path.name}.*{said}"):
                function(path)


def test_a_pdf_with_an_owners_password_only_is_read(tmp_path):
    path = drawn_pdf(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.save(path, encryption=pikepdf.Encryption(owner="a", user=""))
    assert open_stack(path).shape == (1, 600, 300, 3)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_single_pixel_is_no_image(tmp_path, name):
    Image.fromarray(GREY[:1, :1]).save(tmp_path / name)
    for function in (open_stack, lambda path: open_pages(path)[0], lambda path: open_page(path, 1)):
        with pytest.raises(EmptyImageError, match=rf"{name}: is a single pixel"):
            function(tmp_path / name)
    Image.fromarray(GREY[:1, :2]).save(tmp_path / name)
    assert open_stack(tmp_path / name).shape == (1, 1, 2)


def test_other_mistakes(tmp_path, pdf, monkeypatch):
    with pytest.raises(ImageNotFoundError, match=r"none.pdf"):
        open_pages(tmp_path / "none.pdf")
    for dpi in (0, -1, 1e6, float("nan")):
        with pytest.raises(PageChoiceError, match="dpi"):
            open_stack(pdf, dpi=dpi, pages=[1])
    tifffile.imwrite(tmp_path / "a.tif", GREY)
    with pytest.raises(PageChoiceError, match=r"a.tif.*dpi is for PDF"):
        open_stack(tmp_path / "a.tif", dpi=300)
    (tmp_path / "a.txt").touch()
    with pytest.raises(UnsupportedImageError, match=r"a.txt.*no pages"):
        open_pages(tmp_path / "a.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(EmptyImageError, match="folder"):
        open_pages(tmp_path / "folder")
    monkeypatch.setitem(__import__("sys").modules, "pypdfium2", None)
    with pytest.raises(MissingExtraError, match=r"scans.pdf.*napari-unets\[documents\]"):
        open_stack(pdf)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", [1]), ("1-3,7", [1, 2, 3, 7]), ("8-", [8, 9]), ("-2", [1, 2]), (" 2 , 1 ", [2, 1]), ([3, 3], [3, 3])],
)
def test_page_numbers(text, expected):
    assert chosen_pages(text, 9, "a.pdf") == expected


@pytest.mark.parametrize(
    "text", ["", "0", "10", "1-", "3-1", "one", "1--2", "1,,2", "-", "1-999999999999", [], [0], 1, [1.5], ["a"]]
)
def test_no_page_numbers(text):
    if text == "1-":
        return
    with pytest.raises(PageChoiceError, match=r"a.pdf"):
        chosen_pages(text, 9, "a.pdf")


def test_a_page_that_is_too_large_to_be_drawn_is_told(tmp_path):
    path = drawn_pdf(tmp_path / "a.pdf", size=(14400, 14400))
    with open_stack(path) as stack:
        assert stack.plane_shape == (60000, 60000)
        assert not stack.plane(0, (slice(59990, 60000), slice(0, 10))).any()
        with pytest.raises(PageChoiceError, match=r"a.pdf: a page of 60000×60000 pixels is too large.*fewer dpi"):
            stack.plane(0)


def test_a_page_far_beyond_the_last_is_told():
    for text in ("99", "2,99", "99-200"):
        with pytest.raises(PageChoiceError, match=r"a.pdf: has 9 pages, there is no page 99"):
            chosen_pages(text, 9, "a.pdf")
    with pytest.raises(PageChoiceError, match=r"a.pdf: has 9 pages, there is no page 12"):
        chosen_pages("12-", 9, "a.pdf")


@pytest.mark.parametrize("files", [page_files, image_files])
def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch, files):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UnreadableImageError, match=r"cannot be listed \(Permission denied\)"):
        files(tmp_path)
