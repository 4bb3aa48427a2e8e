"""PDF documents, each page rendered when it is asked for."""

from __future__ import annotations

import importlib
import json
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.errors import (
    EmptyImageError,
    EncryptedImageError,
    MissingExtraError,
    PageChoiceError,
    UnreadableImageError,
    explain_read_errors,
)
from napari_unets.images.note import NOTE_KEY
from napari_unets.images.pdf_resolution import scan_resolution
from napari_unets.images.pdf_scan import Size, UndecodedError, check_images, masks_of_pages, only_image, scan_pixels
from napari_unets.images.source import FileImage, Region
from napari_unets.images.suffixes import PDF_SUFFIXES

__all__ = ["DEFAULT_DPI", "PDF_SUFFIXES", "Pdf"]

#: Pixels per inch of pages that are not the scan of one image.
DEFAULT_DPI = 300.0

_POINTS = 72.0  # an inch
_DPI = (10.0, 4800.0)  # what can sensibly be asked for
_LONGEST_SIDE = 2**16  # pixels
_WHITE = 255
_LARGEST_DRAWING = 2**32  # bytes from which on PDFium makes no picture
#: PDFium is for one thread at a time, whatever the document.
_pdfium_lock = threading.RLock()


class _Look(NamedTuple):
    """What a page is."""

    #: Width and height, 72 an inch.
    points: tuple[float, float]
    #: Resolution (x, y) of the scan that it is.
    scanned: tuple[float, float] | None
    #: Height and width of the image, if the page is nothing but one image.
    image: tuple[int, int] | None


class Pdf:
    """An open PDF document.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    MissingExtraError, EncryptedImageError, EmptyImageError, UnreadableImageError
        If pypdfium2 is not installed, or the file needs a password, has no page, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._pdfium = _pdfium(path)
        self.path = path
        if path.stat().st_size == 0:
            raise EmptyImageError(f"{path}: the file is empty")
        with _pdfium_lock, explain_read_errors(path):
            try:
                self._document = self._pdfium.PdfDocument(path)
            except self._pdfium.PdfiumError as error:
                raise _refusal(path, error) from error
            self._document.init_forms()
            #: Number of pages.
            self.count = len(self._document)
        self._looks: dict[int, _Look] = {}
        if not self.count:
            self.close()
            raise EmptyImageError(f"{path}: there is no page in this document")

    @property
    def metadata(self) -> dict[str, Any]:
        """What our own writer was told to keep in the document; empty of other documents."""
        with _pdfium_lock, explain_read_errors(self.path, self._pdfium.PdfiumError):
            text = self._document.get_metadata_value("Keywords")
        try:
            kept = json.loads(text)
        except ValueError:
            return {}
        known = kept.get(NOTE_KEY) if isinstance(kept, dict) else None
        return {NOTE_KEY: known} if isinstance(known, dict) else {}

    def page(self, number: int, dpi: float | None = None, *, alone: bool = False) -> FileImage:
        """One page as an image, not rendered yet.

        Parameters
        ----------
        number : int
            From 1.
        dpi : float, optional
            Pixels per inch. By default those of the scan where the page is one, otherwise :data:`DEFAULT_DPI`.
        alone : bool
            Whether closing the page closes the document.

        Returns
        -------
        FileImage
            Axes ``yxs``, RGB of uint8; ``dpi`` (x, y) in the metadata, such that pixels by dpi give the page's size,
            beside what :attr:`metadata` has.

        Raises
        ------
        PageChoiceError
            If the resolution is out of bounds.
        UnreadableImageError
            If the page is damaged.
        """
        if dpi is not None and not _DPI[0] <= dpi <= _DPI[1]:
            raise PageChoiceError(f"{self.path}: {dpi:g} dpi is no resolution between {_DPI[0]:g} and {_DPI[1]:g}")
        points, scanned, _ = self._look(number)
        wanted = (dpi, dpi) if dpi is not None else scanned or (DEFAULT_DPI, DEFAULT_DPI)
        if not min(points) > 0:
            raise UnreadableImageError(f"{self.path}: page {number} has no size")
        width, height = (max(1, round(size / _POINTS * want)) for size, want in zip(points, wanted, strict=True))
        if max(width, height) > _LONGEST_SIDE:
            raise PageChoiceError(
                f"{self.path}: page {number} has {height}×{width} pixels at {max(wanted):g} dpi; choose fewer dpi"
            )
        effective = (width * _POINTS / points[0], height * _POINTS / points[1])
        metadata = {**self.metadata, "dpi": effective}
        return FileImage(_PageSource(self, number, (height, width), alone=alone), "yxs", metadata=metadata)

    def render(self, number: int, shape: tuple[int, int], rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Render a window of a page.

        Parameters
        ----------
        number : int
            From 1.
        shape : tuple of int
            Height and width that the whole page has in pixels.
        rows, columns : slice
            The window; without steps and not empty.

        Returns
        -------
        ndarray of uint8, shape (y, x, 3)

        Raises
        ------
        PageChoiceError
            If the window is larger than what can be drawn.
        UnreadableImageError
            If the page is damaged.
        """
        with _pdfium_lock, explain_read_errors(self.path, self._pdfium.PdfiumError):
            page = self._document[number - 1]
            try:
                if self._look(number).image == shape:  # as it was scanned, to the bit
                    return scan_pixels(page)[rows, columns]
                pixels = self._drawn(page, shape, rows, columns)
                if self._look(number).scanned is not None and pixels.min() == _WHITE:
                    check_images(page)
                return pixels
            except UndecodedError:
                raise UnreadableImageError(
                    f"{self.path}: the scan that is page {number} cannot be decoded, it may be damaged; copy or export "
                    "it again, or choose other pages"
                ) from None
            finally:
                page.close()

    def close(self) -> None:
        """Close the file."""
        with _pdfium_lock:
            self._document.close()

    def _drawn(self, page: Any, shape: tuple[int, int], rows: slice, columns: slice) -> NDArray[np.uint8]:
        raw = importlib.import_module("pypdfium2.raw")
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if height * (3 * width + 3) >= _LARGEST_DRAWING:  # rows are filled up to four bytes
            raise PageChoiceError(
                f"{self.path}: a page of {shape[0]}×{shape[1]} pixels is too large to be drawn as a whole; "
                "choose fewer dpi"
            )
        bitmap = self._pdfium.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR, rev_byteorder=True)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        place = (-columns.start, -rows.start, shape[1], shape[0], 0)
        flags = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
        raw.FPDF_RenderPageBitmap(bitmap, page, *place, flags)
        if page.formenv:
            raw.FPDF_FFLDraw(page.formenv, bitmap, page, *place, flags)
        pixels = np.array(bitmap.to_numpy())
        bitmap.close()
        return pixels

    @cached_property
    def _masks(self) -> dict[int, dict[Size, Size]]:
        return masks_of_pages(self.path)

    def _look(self, number: int) -> _Look:
        if number not in self._looks:
            with _pdfium_lock, explain_read_errors(self.path, self._pdfium.PdfiumError):
                page = self._document[number - 1]
                try:
                    masks = self._masks.get(number)
                    image = only_image(page) if masks is not None and not masks else None
                    scanned = scan_resolution(page, masks or {}, bounds=_DPI, enough=DEFAULT_DPI)
                    self._looks[number] = _Look(page.get_size(), scanned, image)
                finally:
                    page.close()
        return self._looks[number]


class _PageSource:
    """A page; what is asked for of it is rendered."""

    def __init__(self, pdf: Pdf, number: int, shape: tuple[int, int], *, alone: bool) -> None:
        self._pdf, self._number, self._alone = pdf, number, alone
        self.shape: tuple[int, ...] = (*shape, 3)
        self.dtype = np.dtype(np.uint8)
        self.chunks: tuple[int, ...] | None = self.shape  # a window takes nearly as long as all

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        ends = [part.indices(length) for part, length in zip(region, self.shape, strict=True)]
        (top, bottom, down), (left, right, along), _ = ends
        if top >= bottom or left >= right:
            return np.empty((0, 0, 3), self.dtype)
        size = self.shape[0], self.shape[1]
        pixels = self._pdf.render(self._number, size, slice(top, bottom), slice(left, right))
        return pixels[::down, ::along, region[2]]

    def close(self) -> None:
        """Close the document, if this is all that uses it."""
        if self._alone:
            self._pdf.close()


def _pdfium(path: Path) -> Any:
    try:
        return importlib.import_module("pypdfium2")
    except ImportError as error:
        raise MissingExtraError(
            f'{path}: PDF documents need pypdfium2; install it with: pip install "napari-unets[documents]"'
        ) from error


def _refusal(path: Path, error: Any) -> UnreadableImageError | EmptyImageError:
    """Why PDFium does not open a file."""
    raw = importlib.import_module("pypdfium2.raw")
    if _has_no_pages(path):  # first: PDFium then leaves the number of an earlier error
        return EmptyImageError(f"{path}: there is no page in this document")
    if error.err_code == raw.FPDF_ERR_PASSWORD:
        return EncryptedImageError(f"{path}: opens with a password only; save a copy of it without")
    return UnreadableImageError(
        f"{path}: cannot be read, it is damaged, incomplete or no PDF ({error}); copy or export it again"
    )


def _has_no_pages(path: Path) -> bool:
    """Whether a file is a sound document without a page, which PDFium takes for a damaged one."""
    try:
        import pikepdf
    except ImportError:
        return False
    try:
        with path.open("rb") as file, pikepdf.open(file) as document:
            return not document.pages
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return False
