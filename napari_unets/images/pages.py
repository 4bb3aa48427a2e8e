"""Documents: pages that may each have a size and a resolution of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, overload

from napari_unets.images.errors import (
    EmptyImageError,
    ImageNotFoundError,
    PageChoiceError,
    UnsupportedImageError,
)
from napari_unets.images.folder import files_of
from napari_unets.images.inverted import inverted
from napari_unets.images.page_numbers import chosen_pages
from napari_unets.images.pdf import PDF_SUFFIXES, Pdf
from napari_unets.images.pictures import PICTURE_SUFFIXES, open_picture
from napari_unets.images.source import FileImage, check_pixels, check_plane
from napari_unets.images.stack import Stack
from napari_unets.images.suffixes import TIFF_SUFFIXES

__all__ = ["Pages", "open_page", "open_pages", "page_files"]


class _Place(NamedTuple):
    """Where a page is."""

    path: Path
    #: In its file, from 1.
    number: int
    #: Of the file, with the number where it has several pages.
    name: str
    #: In a TIFF file, what `find_tiff_pages` says of it.
    directory: int | None = None


class Pages(Sequence[Stack]):
    """The pages of a document or a folder, each a stack of one plane with its own size and ``dpi`` (in ``metadata``).

    Made by :func:`open_pages`. A page is opened when it is asked for by its index, and read when its pixels are; close
    it, and close the document, or use both in ``with`` statements.

    Parameters
    ----------
    path : Path
        The file or folder.
    places : sequence
        Where each page is.
    pages, dpi, invert
        What was asked for.
    """

    def __init__(
        self,
        path: Path,
        places: Sequence[_Place],
        pages: str | Sequence[int] | None,
        dpi: float | None,
        *,
        invert: bool = False,
    ) -> None:
        self.path = path
        self.name = path.stem if path.is_file() else path.resolve().name
        self.dpi = dpi
        self._invert = invert
        self._places = list(places)
        self._chosen = pages
        self._documents: dict[Path, Pdf] = {}

    @property
    def names(self) -> list[str]:
        """Name of each page: that of its file, and the page's number where the file has several."""
        return [place.name for place in self._places]

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Stack: ...

    @overload
    def __getitem__(self, index: slice) -> list[Stack]: ...

    def __getitem__(self, index: int | slice) -> Stack | list[Stack]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = self._places[index]
        return _stack_of(place, self._open(place), self.dpi, invert=self._invert)

    def as_stack(self, *, pad: bool = False) -> Stack:
        """See the pages as the planes of one stack.

        Parameters
        ----------
        pad : bool
            Put pages of different sizes at the top left of planes of the largest height and width. The rest is white
            (of class ids: 0). Among each other, grey and colour become colour, and black and white becomes grey.

        Returns
        -------
        Stack
            ``metadata["pages"]`` lists each page's ``name``, ``size`` (y, x) and ``dpi`` (x, y, or None). Closing it
            closes the document.

        Raises
        ------
        MixedSizesError
            If the pages differ in size and ``pad`` is False, or in the type of their pixels.
        """
        image = self.as_image(pad=pad)
        return Stack(
            image.source,
            image.axes,
            name=self.name,
            path=self.path,
            metadata=image.metadata,
            is_labels=image.is_labels,
            reopen=partial(_reopen, str(self.path), self._chosen, self.dpi, invert=self._invert, pad=pad),
        )

    def as_image(self, *, pad: bool = False) -> FileImage:
        """Return the same as :meth:`as_stack`, not yet as a stack."""
        from napari_unets.images.page_stack import PagesSource

        try:
            source = PagesSource(self, pad=pad)
        except BaseException:
            self.close()
            raise
        axes = "zyxs" if len(source.shape) == 4 else "zyx"
        return FileImage(source, axes, metadata=source.metadata, is_labels=source.is_labels)

    def close(self) -> None:
        """Close the document; pages of it that are open can be read no more."""
        for document in self._documents.values():
            document.close()
        self._documents.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Pages {self.name!r}: {len(self)}>"

    def _open(self, place: _Place) -> FileImage:
        if place.path.suffix.lower() not in PDF_SUFFIXES:
            return _open_image(place)
        if place.path not in self._documents:
            self._documents[place.path] = Pdf(place.path)
        return self._documents[place.path].page(place.number, self.dpi)


def open_pages(
    path: str | Path,
    *,
    pages: str | Sequence[int] | None = None,
    dpi: float | None = None,
    invert: bool = False,
) -> Pages:
    """Open a document, or a folder of scans, whose pages may differ in size.

    Parameters
    ----------
    path : str or Path
        A PDF, a TIFF (each page by itself), a PNG or JPEG, or a folder of such files in natural order.
    pages : str or sequence of int, optional
        Which pages, from 1: ``"1-3,7"``, ``"5-"`` or ``[1, 2, 3, 7]``; of a folder, over all its files.
    dpi : float, optional
        Pixels per inch in which pages of PDFs are rendered. By default those of the scan where a page is one, and
        300 otherwise.
    invert : bool
        Exchange bright and dark: of negatives.

    Returns
    -------
    Pages
        A sequence of stacks, opened one by one.

    Raises
    ------
    ImageError
        One of its subclasses says what is wrong, and names the file.

    Examples
    --------
    >>> with open_pages("scans.pdf", pages="1-3") as document:  # doctest: +SKIP
    ...     for page in document:
    ...         print(page.name, page.plane_shape, page.metadata["dpi"])
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise ImageNotFoundError(f"{path}: there is no such file or folder")
    files = page_files(path) if path.is_dir() else [path]
    if not files:
        raise EmptyImageError(f"{path}: there are no PDF, TIFF, PNG or JPEG files in this folder")
    if dpi is not None and not any(file.suffix.lower() in PDF_SUFFIXES for file in files):
        raise PageChoiceError(f"{path}: has pixels of its own; dpi is for PDF documents, leave it out")
    places = [place for file in files for place in _places_in(file)]
    chosen = [places[n - 1] for n in chosen_pages(pages, len(places), str(path))]
    return Pages(path, chosen, pages, dpi, invert=invert)


def open_page(path: str | Path, number: int, *, dpi: float | None = None, invert: bool = False) -> Stack:
    """Open one page of a document.

    Parameters
    ----------
    path : str or Path
        A PDF, TIFF, PNG or JPEG file.
    number : int
        From 1.
    dpi, invert
        As for :func:`open_pages`.

    Returns
    -------
    Stack
        Of one plane; closing it closes the file.
    """
    path = Path(path).expanduser()
    places = _places_in(path)
    place = places[chosen_pages([number], len(places), str(path))[0] - 1]
    is_pdf = path.suffix.lower() in PDF_SUFFIXES
    image = Pdf(path).page(number, dpi, alone=True) if is_pdf else _open_image(place)
    return _stack_of(place, image, dpi, invert=invert)


def page_files(folder: Path) -> list[Path]:
    """List the documents and pictures in a folder in natural order (2 before 10); hidden and other files are left out.

    Parameters
    ----------
    folder : Path
        The folder; its sub-folders are not searched.

    Returns
    -------
    list of Path
    """
    return files_of(folder, (*PDF_SUFFIXES, *TIFF_SUFFIXES, *PICTURE_SUFFIXES))


def _places_in(path: Path) -> list[_Place]:
    suffix = path.suffix.lower()
    directories: list[int | None]
    if suffix in PDF_SUFFIXES:
        document = Pdf(path)
        directories = [None] * document.count
        document.close()
    elif suffix in TIFF_SUFFIXES:
        from napari_unets.images.tiff_pages import find_tiff_pages

        directories = find_tiff_pages(path)
    elif suffix in PICTURE_SUFFIXES:
        directories = [None]
    else:
        raise UnsupportedImageError(
            f"{path}: files of type {suffix or 'unknown'} have no pages; use PDF, TIFF, PNG or JPEG"
        )
    digits = len(str(len(directories)))
    return [
        _Place(path, number, path.stem if len(directories) == 1 else f"{path.stem} {number:0{digits}d}", directory)
        for number, directory in enumerate(directories, 1)
    ]


def _open_image(place: _Place) -> FileImage:
    if place.path.suffix.lower() in PICTURE_SUFFIXES:
        return open_picture(place.path)
    from napari_unets.images.tiff_pages import open_tiff_page

    return open_tiff_page(place.path, place.number, place.directory)


def _stack_of(place: _Place, image: FileImage, dpi: float | None, *, invert: bool) -> Stack:
    check_pixels(image.source.shape, image.source.dtype, f"{place.path}: page {place.number}")
    if invert:
        image = inverted(image, str(place.path))
    stack = Stack(
        image.source,
        image.axes,
        name=place.name,
        path=place.path,
        metadata=image.metadata,
        is_labels=image.is_labels,
        reopen=partial(open_page, str(place.path), place.number, dpi=dpi, invert=invert),
    )
    check_plane(stack.plane_shape, str(place.path))
    return stack


def _reopen(path: str, pages: str | Sequence[int] | None, dpi: float | None, *, invert: bool, pad: bool) -> Stack:
    return open_pages(path, pages=pages, dpi=dpi, invert=invert).as_stack(pad=pad)
