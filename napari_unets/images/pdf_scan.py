"""Pages of PDFs that are nothing but one image: their scan, which need not be drawn."""

from __future__ import annotations

import ctypes
import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Size", "UndecodedError", "check_images", "masks_of_pages", "only_image", "scan_pixels"]

#: Width and height in pixels.
Size = tuple[int, int]

_NEAR = 0.1  # points; a third of a pixel at 240 dpi


class UndecodedError(Exception):
    """An image of a PDF that cannot be decoded."""


def only_image(page: Any) -> tuple[int, int] | None:
    """Height and width of the image that a page shows upright and in full, if it shows nothing else.

    Parameters
    ----------
    page : pypdfium2.PdfPage
        The page; PDFium is the caller's.
    """
    raw = importlib.import_module("pypdfium2.raw")
    objects = list(page.get_objects(max_depth=1))
    if [part.type for part in objects] != [raw.FPDF_PAGEOBJ_IMAGE] or page.get_rotation():
        return None
    (image,) = objects
    if raw.FPDFPage_GetAnnotCount(page) or raw.FPDFPageObj_HasTransparency(image):
        return None
    if image.get_metadata().colorspace == raw.FPDF_COLORSPACE_UNKNOWN:  # a stencil has no colours of its own
        return None
    matrix, pixels, bounds = image.get_matrix(), image.get_px_size(), image.get_bounds()
    upright = matrix.a > 0 and matrix.d > 0 and matrix.b == matrix.c == 0
    fills = all(abs(one - other) < _NEAR for one, other in zip(bounds, page.get_bbox(), strict=True))
    if not upright or not fills or min(pixels) < 1 or not _is_whole(image, bounds):
        return None
    return pixels[1], pixels[0]


def scan_pixels(page: Any) -> NDArray[np.uint8]:
    """RGB of the one image of a page.

    Parameters
    ----------
    page : pypdfium2.PdfPage
        The page; PDFium is the caller's.

    Raises
    ------
    UndecodedError
        If it cannot be decoded.
    """
    (image,) = page.get_objects(max_depth=1)
    bitmap = _decoded(image)
    pixels = np.array(bitmap.to_numpy())
    channels = bitmap.mode
    del bitmap  # while PDFium is ours
    if channels == "L":
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1] if channels.startswith("BGR") else pixels[..., :3])


def check_images(page: Any) -> None:
    """Decode the images of a page: PDFium draws nothing, and says nothing, where one is damaged.

    Parameters
    ----------
    page : pypdfium2.PdfPage
        The page; PDFium is the caller's.

    Raises
    ------
    UndecodedError
        If one cannot be decoded.
    """
    raw = importlib.import_module("pypdfium2.raw")
    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]):
        _decoded(image)


def _decoded(image: Any) -> Any:
    try:
        return image.get_bitmap()
    except importlib.import_module("pypdfium2").PdfiumError as error:
        raise UndecodedError(str(error)) from error


def masks_of_pages(path: Path) -> dict[int, dict[Size, Size]]:
    """Find the images of each page that are seen through a mask: PDFium gives what is hidden as well.

    Parameters
    ----------
    path : Path
        The document.

    Returns
    -------
    dict of int to dict
        By the number of the page, from 1: width and height of the mask (0 of a colour that hides) by those of the
        image. Pages of which it cannot be told are not among them.
    """
    try:
        import pikepdf
    except ImportError:
        return {}
    try:
        with path.open("rb") as file, pikepdf.open(file) as document:  # a name need not be text
            found = {number: _masks_of(page.obj) for number, page in enumerate(document.pages, 1)}
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return {}
    return {number: masks for number, masks in found.items() if masks is not None}


def _masks_of(page: Any) -> dict[Size, Size] | None:
    """Masks of the images that a page refers to; None if it is damaged."""
    import pikepdf

    node = page
    while "/Resources" not in node and "/Parent" in node:  # said once for several pages
        node = node["/Parent"]
    masks: dict[Size, Size] = {}
    try:
        for image in node.get("/Resources", {}).get("/XObject", {}).values():
            for mask in (image[name] for name in ("/Mask", "/SMask") if name in image):
                size = _size_of(mask) if isinstance(mask, pikepdf.Stream) else (0, 0)
                masks[_size_of(image)] = size
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return masks


def _size_of(image: Any) -> Size:
    return int(image["/Width"]), int(image["/Height"])


def _is_whole(image: Any, bounds: tuple[float, float, float, float]) -> bool:
    """Whether nothing of an image is clipped: all it is clipped with are rectangles around it."""
    raw = importlib.import_module("pypdfium2.raw")
    clip = raw.FPDFPageObj_GetClipPath(image)
    for path in range(max(0, raw.FPDFClipPath_CountPaths(clip))):
        count = raw.FPDFClipPath_CountPathSegments(clip, path)
        corners = np.array([_point(raw, raw.FPDFClipPath_GetPathSegment(clip, path, i)) for i in range(count)])
        if not count or np.isnan(corners).any():
            return False
        low, high = corners.min(axis=0), corners.max(axis=0)
        at_high = np.isclose(corners, high, atol=_NEAR)
        is_rectangle = (at_high | np.isclose(corners, low, atol=_NEAR)).all() and len({*map(tuple, at_high)}) == 4
        around = (low <= np.add(bounds[:2], _NEAR)).all() and (high >= np.subtract(bounds[2:], _NEAR)).all()
        if count > 5 or not is_rectangle or not around:
            return False
    return True


def _point(raw: Any, segment: Any) -> tuple[float, float]:
    """Where a straight piece of a path ends; no number if it is curved."""
    x, y = ctypes.c_float(), ctypes.c_float()
    if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_BEZIERTO:
        return float("nan"), float("nan")
    raw.FPDFPathSegment_GetPoint(segment, x, y)
    return x.value, y.value
