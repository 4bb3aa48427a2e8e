"""Documents page by page, each with its own size and resolution: PDF, TIFF, PNG."""

from __future__ import annotations

import io
import json
import os
import shutil
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import AppendingTiffWriter, ImageFileDirectory_v2

from napari_unets.images.errors import (
    EmptyImageError,
    MissingExtraError,
    UnsupportedImageError,
)
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.pdf import DEFAULT_DPI
from napari_unets.images.tiff_metadata import NOTE_TAG
from napari_unets.images.unfinished import Unfinished

__all__ = ["PAGE_SUFFIXES", "PageWriter", "create_page_writer"]

#: Suffixes of files that pages can be written to.
PAGE_SUFFIXES = (".pdf", ".tif", ".tiff", ".png")

_PIXELS = (("bool", ()), ("uint8", ()), ("uint8", (3,)), ("float32", ()))
_ASCII = 2  # TIFF's type of tag
_POINTS = 72.0  # an inch, of PDF
_SIDES = (3.0, 14400.0)  # points; what PDF readers take


class PageWriter(Unfinished):
    """Writes a document page by page; it is at its place once the writer is closed.

    Parameters
    ----------
    path : Path
        The target.
    metadata : mapping
        Kept in the file; JSON values.
    overwrite : bool
        Whether a target that is there is replaced.
    labels : bool
        Whether the pixels are class ids.

    Raises
    ------
    ImageExistsError, ImageWriteError
        See :class:`~napari_unets.images.unfinished.Unfinished`.
    """

    def __init__(self, path: Path, metadata: Mapping[str, Any], *, overwrite: bool, labels: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self.note = Note(axes="yx", is_labels=labels, metadata=dict(metadata))
        self.count = 0

    def write(self, pixels: NDArray[Any], *, dpi: Sequence[float] | None = None) -> None:
        """Write the next page.

        Parameters
        ----------
        pixels : ndarray
            ``(y, x)`` of bool, True being white: one bit a pixel. ``(y, x)`` or ``(y, x, 3)`` of uint8: grey, colour.
            ``(y, x)`` of float32: probabilities, which TIFF alone can hold.
        dpi : sequence of two float, optional
            Pixels per inch along x and y.
        """
        if not self._open:
            raise ValueError("the writer is closed")
        if (pixels.dtype.name, pixels.shape[2:]) not in _PIXELS:
            raise ValueError(f"a page is not written of {pixels.dtype} of the shape {pixels.shape}")
        if pixels.dtype == np.float32 and not isinstance(self, _TiffWriter):
            raise UnsupportedImageError(f"{self.path}: real numbers are written to .tif files only")
        with self._explained():
            self._write(Image.fromarray(np.ascontiguousarray(pixels)), None if dpi is None else (dpi[0], dpi[1]))
        self.count += 1

    def close(self) -> Path:
        """Finish the file and move it to its place.

        Raises
        ------
        EmptyImageError
            If no page was written.
        """
        if self._open and not self.count:
            self.abort()
            raise EmptyImageError(f"{self.path}: there is no page to write")
        return super().close()

    @abstractmethod
    def _write(self, image: Image.Image, dpi: tuple[float, float] | None) -> None:
        """Write a page."""


def create_page_writer(
    path: str | Path, *, metadata: Mapping[str, Any] | None = None, overwrite: bool = False, labels: bool = False
) -> PageWriter:
    """Start to write a document whose pages may differ in size.

    Parameters
    ----------
    path : str or Path
        ``.pdf``: pages of their size in inches, black and white as CCITT G4. ``.tif``, ``.tiff``: one page a plane,
        black and white as CCITT G4, the rest compressed without loss. ``.png``: a single page.
    metadata : mapping, optional
        Kept in the file; JSON values.
    overwrite : bool
        Whether a target that is there is replaced (when the writer is closed).
    labels : bool
        Whether the pixels are class ids.

    Returns
    -------
    PageWriter
        Give it pages, then close it. Nothing is at ``path`` before that.

    Raises
    ------
    ImageExistsError, ImageWriteError, UnsupportedImageError, MissingExtraError
        See there.

    Examples
    --------
    >>> with create_page_writer("clean.pdf") as writer:  # doctest: +SKIP
    ...     writer.write(paper, dpi=(300, 300))  # bool, True where it is white
    """
    path = Path(path).expanduser()
    classes: dict[str, Callable[..., PageWriter]] = {".pdf": _PdfWriter, ".png": _PngWriter}
    classes |= {".tif": _TiffWriter, ".tiff": _TiffWriter}
    kind = classes.get(path.suffix.lower())
    if kind is None:
        raise UnsupportedImageError(f"{path}: pages are written to {', '.join(PAGE_SUFFIXES)} files")
    return kind(path, metadata or {}, overwrite=overwrite, labels=labels)


class _TiffWriter(PageWriter):
    """One directory a page."""

    def __init__(self, path: Path, metadata: Mapping[str, Any], *, overwrite: bool, labels: bool) -> None:
        super().__init__(path, metadata, overwrite=overwrite, labels=labels)
        with self._explained():
            self._file = AppendingTiffWriter(str(self._temporary), new=True)

    def _write(self, image: Image.Image, dpi: tuple[float, float] | None) -> None:
        tags = ImageFileDirectory_v2()
        if not self.count:
            tags[NOTE_TAG] = self.note.to_json()
            tags.tagtype[NOTE_TAG] = _ASCII
        if self.count:
            self._file.newFrame()
        image.save(
            self._file,
            format="TIFF",
            compression="group4" if image.mode == "1" else "tiff_adobe_deflate",
            tiffinfo=tags,
            strip_size=2**26,  # one strip a page, as scanners write G4
            **({} if dpi is None else {"dpi": dpi}),
        )

    def _finish(self) -> None:
        self._file.newFrame()
        self._let_go()

    def _let_go(self) -> None:
        if hasattr(self, "_file"):
            self._file.isFirst = True  # or its destructor tries to finish a page, in a file that is closed by then
            self._file.close()


class _PngWriter(PageWriter):
    """One page."""

    def _write(self, image: Image.Image, dpi: tuple[float, float] | None) -> None:
        if self.count:
            raise UnsupportedImageError(f"{self.path}: one PNG cannot hold several pages; use a .pdf or .tif")
        text = PngInfo()
        text.add_text(NOTE_KEY, self.note.to_json())
        image.save(self._temporary, format="PNG", pnginfo=text, **({} if dpi is None else {"dpi": dpi}))

    def _finish(self) -> None:
        """Nothing is left to do."""

    def _let_go(self) -> None:
        """Nothing is kept open."""


class _PdfWriter(PageWriter):
    """Pages are compressed one by one into a hidden folder, and bound together when the document is closed."""

    def __init__(self, path: Path, metadata: Mapping[str, Any], *, overwrite: bool, labels: bool) -> None:
        super().__init__(path, metadata, overwrite=overwrite, labels=labels)
        if labels:
            raise UnsupportedImageError(f"{path}: a PDF is to be looked at and holds no class ids; use .tif")
        try:
            import img2pdf
        except ImportError as error:
            raise MissingExtraError(
                f'{path}: PDF documents need img2pdf; install it with: pip install "napari-unets[documents]"'
            ) from error
        self._bind = img2pdf.convert
        self._folder = self._temporary.with_suffix(".pages")
        self._sizes: list[tuple[float, float]] = []
        with self._explained():
            self._folder.mkdir()

    def _write(self, image: Image.Image, dpi: tuple[float, float] | None) -> None:
        x, y = dpi or (DEFAULT_DPI, DEFAULT_DPI)
        size = image.width / x * _POINTS, image.height / y * _POINTS
        if not _SIDES[0] <= min(size) <= max(size) <= _SIDES[1]:
            raise UnsupportedImageError(
                f"{self.path}: page {self.count + 1} has {image.height}×{image.width} pixels at {x:g}×{y:g} dpi; the "
                f"sides of a PDF's pages are {_SIDES[0] / 72:.2f} to {_SIDES[1] / 72:g} inches. Write it as .tif"
            )
        self._sizes.append(size)
        page = self._folder / str(self.count)
        if image.mode == "1":
            packed = io.BytesIO()  # libtiff, writing to a file by itself, has no words for a full disk
            image.save(packed, format="TIFF", compression="group4", strip_size=2**26)
            page.write_bytes(packed.getbuffer())
        else:
            image.save(page, format="PNG")

    def _finish(self) -> None:
        sizes = iter(self._sizes)  # exactly those given: image files keep whole or rounded resolutions

        def layout(_width: int, _height: int, _dpi: Any) -> tuple[float, float, float, float]:
            width, height = next(sizes)
            return width, height, width, height

        images = [str(self._folder / str(i)) for i in range(self.count)]
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # we have just written them ourselves
        try:
            with self._temporary.open("wb") as file:
                title = os.fsencode(self.path.stem).decode(errors="replace")  # names need not be text; a title must
                about = {"title": title, "keywords": [json.dumps(self.note.metadata)], "nodate": True}
                self._bind(images, layout_fun=layout, outputstream=file, **about)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
        self._let_go()

    def _let_go(self) -> None:
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)
