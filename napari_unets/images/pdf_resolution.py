"""Resolution in which a page of a PDF was scanned."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator, Mapping
from math import hypot
from typing import Any, NamedTuple

from napari_unets.images.pdf_scan import Size

__all__ = ["scan_resolution"]

_POINTS = 72.0  # an inch
#: Part of a page that images cover, from which on the page is taken for a scan.
_SCANNED = 0.7
#: Part of a page from which on images belong to the scan that are sharper than the rest of it: the text of pages whose
#: background is kept coarser. A logo is smaller.
_SHARP = 0.1
#: Part of a page from which on text that is drawn on an image is what the page is about. What archives print on the
#: margin of each scan is less.
_WRITTEN = 0.03


class _Image(NamedTuple):
    """An image on a page."""

    #: Pixels an inch, along x and y.
    dpi: tuple[float, float]
    #: Part of the page that it covers.
    part: float


def scan_resolution(
    page: Any,
    masks: Mapping[Size, Size],
    *,
    bounds: tuple[float, float],
    enough: float,
) -> tuple[float, float] | None:
    """Pixels per inch (x, y) of what was scanned, if a page is a scan.

    Pages may be made of several images: strips, or a coarse background and sharp text.

    Parameters
    ----------
    page : pypdfium2.PdfPage
        The page; PDFium is the caller's.
    masks : mapping
        Of images that are seen through masks: the masks' width and height by those of the images.
    bounds : tuple of float
        Between which a resolution makes sense.
    enough : float
        Pixels per inch in which text is drawn; a coarser image below text is no scan.
    """
    raw = importlib.import_module("pypdfium2.raw")
    width, height = page.get_size()
    if not min(width, height) > 0:
        return None
    turned = page.get_rotation() in (90, 270)
    images: list[_Image] = []
    written = 0.0
    for part, matrix in _parts(page, raw):
        left, bottom, right, top = matrix.on_rect(*_own_bounds(part, raw))
        covers = (right - left) * (top - bottom) / (width * height)
        if part.type == raw.FPDF_PAGEOBJ_TEXT:
            written += covers if _is_seen(part, raw) else 0
            continue
        dpi = _resolution(part.get_px_size(), masks, part.get_matrix().multiply(matrix))
        if dpi is None or not bounds[0] <= min(dpi) <= max(dpi) <= bounds[1]:
            continue
        images.append(_Image(dpi[::-1] if turned else dpi, covers))
        if covers >= _SCANNED:
            written = 0  # it lies below: what was recognised on the scan
    if sum(image.part for image in images) < _SCANNED:
        return None
    images.sort(reverse=True)
    seen = 0.0
    found = images[0].dpi
    for image in images:
        seen, found = seen + image.part, image.dpi
        if seen >= _SHARP:
            break
    return None if written >= _WRITTEN and min(found) < enough else found


def _parts(page: Any, raw: Any) -> Iterator[tuple[Any, Any]]:
    """Images and text, in the order in which they are drawn, and how what they lie in places them on the page."""
    matrix_of = importlib.import_module("pypdfium2").PdfMatrix
    around: list[Any] = []
    for part in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_FORM]):
        del around[part.level :]
        outer = around[-1] if around else matrix_of()
        if part.type == raw.FPDF_PAGEOBJ_FORM:
            around.append(part.get_matrix().multiply(outer))
        else:
            yield part, outer


def _own_bounds(part: Any, raw: Any) -> tuple[float, float, float, float]:
    """Left, bottom, right and top in what an object lies in; of none, where it has no extent."""
    sides = [ctypes.c_float() for _ in range(4)]
    if not raw.FPDFPageObj_GetBounds(part, *sides):
        return 0.0, 0.0, 0.0, 0.0
    left, bottom, right, top = (side.value for side in sides)
    return left, bottom, right, top


def _resolution(pixels: Size, masks: Mapping[Size, Size], matrix: Any) -> tuple[float, float] | None:
    """Pixels per inch of the page along x and y, of an image that a matrix makes of a square of one point."""
    mask = masks.get(pixels, (0, 0))
    columns, rows = max(pixels[0], mask[0]), max(pixels[1], mask[1])
    along, down = hypot(matrix.a, matrix.b), hypot(matrix.c, matrix.d)
    if not min(along, down) > 0:
        return None
    dpi = columns / along * _POINTS, rows / down * _POINTS
    return dpi[::-1] if abs(matrix.b) > abs(matrix.a) else dpi


def _is_seen(text: Any, raw: Any) -> bool:
    """Whether text is drawn; what was recognised on a scan often is not."""
    colour = [ctypes.c_uint() for _ in range(4)]
    if raw.FPDFTextObj_GetTextRenderMode(text) == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
        return False
    return not raw.FPDFPageObj_GetFillColor(text, *colour) or colour[3].value > 0
