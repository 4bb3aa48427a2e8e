"""Documents in, clean documents out: which page goes where, and how it gets there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.cli.outputs import OutputError, check_targets
from napari_unets.cli.record import record
from napari_unets.cli.terminal import Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unets.images import PageWriter, Stack
    from napari_unets.inference import Predictor, TileEvent

__all__ = ["PageChoice", "clean_document", "is_document", "label_pages", "plan_documents"]

#: What cannot be anything but pages to be looked at.
_LOOKED_AT = (".pdf", ".png")
_ONE_FILE = (".pdf", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class PageChoice:
    """Which pages of each input, from 1, and how many pixels an inch PDFs are rendered in."""

    pages: str | None = None
    dpi: float | None = None


def is_document(output: Path, *, clean: bool) -> bool:
    """Whether clean pages are asked for, rather than class ids."""
    return clean or output.suffix.lower() in _LOOKED_AT


def plan_documents(inputs: Sequence[Path], output: Path, *, overwrite: bool) -> list[tuple[list[Path], Path]]:
    """Choose the document that each input goes into, before anything is computed.

    Parameters
    ----------
    inputs : sequence of Path
        Files and folders of files.
    output : Path
        A ``.pdf``, ``.tif`` or ``.png`` that gets the pages of all inputs, or a folder that gets a document of the same
        kind for each file: a PDF for a PDF, a TIFF for a TIFF, a PNG for any other picture.
    overwrite : bool
        Whether documents may replace what is there.

    Returns
    -------
    list of (list of Path, Path)
        Inputs and their target.

    Raises
    ------
    OutputError
        If two inputs would go to the same file, or something is there already.
    """
    if output.suffix.lower() in _ONE_FILE:
        plan = [(list(inputs), output)]
    elif output.suffix.lower() == ".zarr":
        raise OutputError(f"{output}: clean pages are written to .pdf, .tif or .png files, or to a folder")
    else:
        plan = [([file], output / f"{file.stem}{_kind_of(file)}") for file in _files(inputs)]
    check_targets([(str(sources[0]), target) for sources, target in plan], overwrite=overwrite)
    return plan


def clean_document(
    sources: Sequence[Path],
    target: Path,
    predictor: Predictor,
    report: Report,
    *,
    choice: PageChoice,
    colour: bool,
    overwrite: bool,
) -> None:
    """Write the ink of all pages of some documents on white.

    Parameters
    ----------
    sources : sequence of Path
        Documents and pictures.
    target : Path
        Gets all their pages. Nothing half-written is left, whatever interrupts it.
    predictor : Predictor
        Tells ink, class 1, from paper.
    report : callable
        Told how much is done.
    choice : PageChoice
        Which pages, and how.
    colour : bool
        Keep the ink's colour; otherwise it becomes black, one bit a pixel.
    overwrite : bool
        Replace what is there.
    """
    made = record(predictor.model, "segmentation", predictor.settings, image=", ".join(s.name for s in sources))
    made["napari_unets"] |= {"output": "clean pages", "colour": colour}
    with _writer(target, made, overwrite=overwrite) as writer:
        for page, ids in _segmented(sources, predictor, choice, report):
            writer.write(_ink_in_colour(page, ids) if colour else ids != 1, dpi=page.metadata.get("dpi"))


def label_pages(
    source: Path, target: Path, predictor: Predictor, report: Report, *, choice: PageChoice, overwrite: bool
) -> None:
    """Write the class ids of pages of several sizes, as a TIFF with a page for each.

    Parameters
    ----------
    source, target, predictor, report, choice, overwrite
        As for :func:`clean_document`.
    """
    made = record(predictor.model, "segmentation", predictor.settings, image=source.stem)
    with _writer(target, made, overwrite=overwrite, labels=True) as writer:
        for page, ids in _segmented([source], predictor, choice, report):
            writer.write(ids, dpi=page.metadata.get("dpi"))


def _writer(target: Path, made: dict[str, Any], *, overwrite: bool, labels: bool = False) -> PageWriter:
    from napari_unets.images import create_page_writer

    target.parent.mkdir(parents=True, exist_ok=True)
    return create_page_writer(target, metadata=made, overwrite=overwrite, labels=labels)


def _segmented(
    sources: Sequence[Path], predictor: Predictor, choice: PageChoice, report: Report
) -> Iterator[tuple[Stack, NDArray[np.uint8]]]:
    """Each page, open, and its class ids (y, x)."""
    from napari_unets.images import open_pages
    from napari_unets.inference import segment

    with ExitStack() as files:
        documents = [files.enter_context(open_pages(s, pages=choice.pages, dpi=choice.dpi)) for s in sources]
        total = sum(len(document) for document in documents)
        for number, (document, i) in enumerate((d, i) for d in documents for i in range(len(d))):
            with document[i] as page:
                told = _told(report, number, total)
                yield page, segment(predictor.model, page, predictor=predictor, on_event=told)[0]


def _told(report: Report, before: int, total: int) -> Callable[[TileEvent], None]:
    return lambda event: report(before + event.done / event.total, total)


def _ink_in_colour(page: Stack, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the page as it was where there is ink, and white elsewhere."""
    import numpy as np

    pixels = page.plane(0)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., 0]
    if pixels.dtype != np.uint8:
        largest = np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else np.nanmax(pixels, initial=1)
        pixels = np.nan_to_num(pixels * (255 / float(largest))).clip(0, 255).round().astype(np.uint8)
    ink = ids == 1
    return np.where(ink[..., None] if pixels.ndim == 3 else ink, pixels, np.uint8(255))


def _files(inputs: Sequence[Path]) -> Iterator[Path]:
    """Files, and those that are in folders."""
    from napari_unets.images.pages import page_files

    for path in inputs:
        yield from page_files(path) if path.is_dir() else [path]


def _kind_of(file: Path) -> str:
    suffix = file.suffix.lower()
    return suffix if suffix == ".pdf" else ".tif" if suffix in (".tif", ".tiff", ".btf", ".tf8") else ".png"
