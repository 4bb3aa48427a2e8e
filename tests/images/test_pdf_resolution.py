"""In which resolution a page of a PDF is taken that is made of more than one plain image."""

from __future__ import annotations

import numpy as np
import pikepdf
import pytest

from napari_unets.images import open_stack

Name, Dictionary = pikepdf.Name, pikepdf.Dictionary
SCAN = np.random.default_rng(0).integers(0, 255, (160, 120), dtype=np.uint8)  # 200 dpi on a page of 43.2 by 57.6 points


def save_page(path, contents, images=(), form=None):
    """A page of 43.2 by 57.6 points; `form` is what its form F draws."""
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(43.2, 57.6))
    objects = Dictionary()
    for i, pixels in enumerate(images):
        pixels, mask = pixels if isinstance(pixels, tuple) else (pixels, None)
        objects[f"/I{i}"] = image_of(document, pixels)
        if mask is not None:
            objects[f"/I{i}"].SMask = document.make_indirect(image_of(document, mask))
    font = Dictionary(F1=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    if form is not None:
        stream = document.make_stream(form.encode())
        stream.Type, stream.Subtype, stream.BBox = Name.XObject, Name.Form, [0, 0, 1000, 1000]
        stream.Resources = Dictionary(XObject=objects)
        objects = Dictionary(F=stream)
    page.Resources = Dictionary(XObject=objects, Font=font)
    page.Contents = document.make_stream(contents.encode())
    document.save(path)
    return path


def image_of(document, pixels):
    image = pikepdf.Stream(document, pixels.tobytes(), Type=Name.XObject, Subtype=Name.Image)
    image.Height, image.Width = pixels.shape
    image.ColorSpace, image.BitsPerComponent = Name.DeviceGray, 8
    return image


def shape_of(path):
    with open_stack(path) as stack:
        return stack.plane_shape


@pytest.mark.parametrize("side", [1, 12, 120, 1000])
def test_a_scan_in_a_form_of_any_units(tmp_path, side):
    form = f"q {side} 0 0 {side * 4 / 3} 0 0 cm /I0 Do Q"
    factor = 43.2 / side
    path = save_page(tmp_path / "a.pdf", f"q {factor} 0 0 {factor} 0 0 cm /F Do Q", [SCAN], form)
    assert shape_of(path) == SCAN.shape


def test_a_scan_in_strips(tmp_path):
    strips = [SCAN[i : i + 40] for i in range(0, 160, 40)]
    drawn = [f"q 43.2 0 0 14.4 0 {43.2 - 14.4 * i} cm /I{i} Do Q" for i in range(4)]
    assert shape_of(save_page(tmp_path / "a.pdf", " ".join(drawn), strips)) == SCAN.shape


@pytest.mark.parametrize("sharp", ["image", "mask"])
def test_sharp_text_on_a_coarse_background(tmp_path, sharp):
    text = SCAN[:80] if sharp == "image" else (SCAN[::5, ::5], SCAN)
    height = 28.8 if sharp == "image" else 57.6
    drawn = f"q 43.2 0 0 57.6 0 0 cm /I0 Do Q q 43.2 0 0 {height} 0 0 cm /I1 Do Q"
    assert shape_of(save_page(tmp_path / "a.pdf", drawn, [SCAN[::4, ::4], text])) == SCAN.shape


def test_a_logo_is_no_scan(tmp_path):
    drawn = "q 43.2 0 0 57.6 0 0 cm /I0 Do Q q 6 0 0 8 0 0 cm /I0 Do Q"
    assert shape_of(save_page(tmp_path / "a.pdf", drawn, [SCAN])) == SCAN.shape


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ("{image} BT /F1 8 Tf 2 30 Td (The quick) Tj ET", (240, 180)),
        ("{image} BT 3 Tr /F1 8 Tf 2 30 Td (The quick) Tj ET", SCAN.shape),
        ("BT /F1 8 Tf 2 30 Td (The quick) Tj ET {image}", SCAN.shape),
        ("{image} BT /F1 2 Tf 2 1 Td (From a library) Tj ET", SCAN.shape),
    ],
    ids=["drawn", "hidden", "below", "stamp"],
)
def test_text_on_an_image(tmp_path, contents, expected):
    image = "q 43.2 0 0 57.6 0 0 cm /I0 Do Q"
    assert shape_of(save_page(tmp_path / "a.pdf", contents.format(image=image), [SCAN])) == expected


def test_an_image_without_extent(tmp_path):
    assert shape_of(save_page(tmp_path / "a.pdf", "q 43.2 0 0 0 0 0 cm /I0 Do Q", [SCAN])) == (240, 180)
