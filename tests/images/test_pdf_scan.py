"""Pages that are one image: what of it is hidden on the page stays hidden."""

from __future__ import annotations

import numpy as np
import pikepdf
import pytest

from napari_unets.images import UnreadableImageError, open_stack
from napari_unets.images.pdf import Pdf

SCAN = np.random.default_rng(0).integers(0, 255, (60, 40), dtype=np.uint8)


def save_scan(path, before="", **entries):
    """One page of 40 by 60 points, which the scan fills."""
    document = pikepdf.new()
    image = pikepdf.Stream(document, SCAN.tobytes(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
    image.Width, image.Height, image.BitsPerComponent = SCAN.shape[1], SCAN.shape[0], 8
    image.ColorSpace = pikepdf.Name.DeviceGray
    for name, value in entries.items():
        image[f"/{name}"] = value
    page = document.add_blank_page(page_size=(40, 60))
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im=image))
    page.Contents = document.make_stream(f"q {before} 40 0 0 60 0 0 cm /Im Do Q".encode())
    document.save(path)
    return path


def is_taken_as_it_is(path):
    document = Pdf(path)
    taken = document._look(1).image is not None
    document.close()
    return taken


@pytest.mark.parametrize(
    "clip",
    [
        "10 10 20 15 re W n",
        "0 0 40 60 re W n 10 10 20 15 re W n",
        "0 0 m 40 0 l 40 60 l h W n",
        "0 0 m 0 60 l 40 60 l 60 40 60 20 40 0 c h W n 0 0 40 60 re W* n",
    ],
    ids=["rectangle", "two", "triangle", "curve"],
)
def test_what_is_clipped_is_not_shown(tmp_path, clip):
    path = save_scan(tmp_path / "a.pdf", clip)
    assert not is_taken_as_it_is(path)
    with open_stack(path) as stack:
        assert stack.plane_shape == SCAN.shape
        if "re" in clip and "c" not in clip.split():
            assert (stack.plane(0)[:34] == 255).all()
            np.testing.assert_array_equal(stack.plane(0)[36:49, 11:29, 0], SCAN[36:49, 11:29])


@pytest.mark.parametrize("clip", ["", "0 0 40 60 re W n", "-5 -5 90 90 re W n 0 0 m 0 60 l 40 60 l 40 0 l h W n"])
def test_a_clip_around_the_page_hides_nothing(tmp_path, clip):
    path = save_scan(tmp_path / "a.pdf", clip)
    assert is_taken_as_it_is(path)
    np.testing.assert_array_equal(open_stack(path).plane(0)[..., 0], SCAN)


def test_colours_that_are_masked_are_not_shown(tmp_path):
    path = save_scan(tmp_path / "a.pdf", Mask=pikepdf.Array([0, 100]))
    plane = open_stack(path).plane(0)[..., 0]
    assert (plane[SCAN <= 100] == 255).all()
    np.testing.assert_array_equal(plane[SCAN > 100], SCAN[SCAN > 100])


@pytest.mark.parametrize("kind", ["Mask", "SMask"])
def test_places_that_are_masked_are_not_shown(tmp_path, kind):
    with pikepdf.open(save_scan(tmp_path / "a.pdf"), allow_overwriting_input=True) as document:
        mask = pikepdf.Stream(document, b"\xf0", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image)
        mask.Width, mask.Height, mask.BitsPerComponent = 8, 1, 1
        if kind == "Mask":  # shows where it is 0
            mask.ImageMask = True
        else:  # shows where it is 1
            mask.ColorSpace, mask.Decode = pikepdf.Name.DeviceGray, [1, 0]
        document.pages[0].Resources.XObject.Im[f"/{kind}"] = document.make_indirect(mask)
        document.Root.Pages.Resources = document.pages[0].Resources
        del document.pages[0].Resources
        document.save(tmp_path / "a.pdf")
    plane = open_stack(tmp_path / "a.pdf").plane(0)[..., 0]
    assert (plane[:, :19] == 255).all()
    np.testing.assert_array_equal(plane[:, 21:], SCAN[:, 21:])


@pytest.mark.parametrize("codec", ["DCTDecode", "JPXDecode", "JBIG2Decode"])
def test_a_scan_that_cannot_be_decoded_is_no_blank_page(tmp_path, codec):
    save_scan(tmp_path / "whole.pdf")
    with pikepdf.open(tmp_path / "whole.pdf") as document:
        document.pages[0].Resources.XObject.Im.write(b"broken" * 100, filter=pikepdf.Name(f"/{codec}"))
        document.save(tmp_path / "a.pdf")
    with (
        open_stack(tmp_path / "a.pdf") as stack,
        pytest.raises(UnreadableImageError, match=r"a\.pdf: the scan that is page 1 cannot be decoded"),
    ):
        stack.plane(0)


def test_a_scan_that_is_blank_may_be(tmp_path):
    path = save_scan(tmp_path / "a.pdf")
    with pikepdf.open(path, allow_overwriting_input=True) as document:
        document.pages[0].Resources.XObject.Im.write(b"\xff" * SCAN.size)
        document.pages[0].Rotate = 90  # it is drawn
        document.save(path)
    with open_stack(path) as stack:
        assert stack.plane_shape == SCAN.T.shape
        assert stack.plane(0).min() == 255
