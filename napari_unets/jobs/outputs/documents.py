"""Documents in, clean documents, class ids or probabilities out, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unets.images import Stack
    from napari_unets.jobs.outputs.order import Order

__all__ = ["write_pages"]


def write_pages(sources: Sequence[str], target: Path, order: Order, *, invert: bool = False) -> None:
    """Write what is made of the pages of some documents, which may have several sizes.

    Parameters
    ----------
    sources : sequence of str
        Documents and pictures.
    target : Path
        Gets all their pages. Nothing half-written is left, whatever interrupts it.
    order : Order
        Clean pages show the ink, class 1, on white; segmentations and probabilities (of class 1) are pages of a TIFF.
    invert : bool
        Whether the sources are negatives.

    Raises
    ------
    ImageError, InferenceError
        As those who open, run and write.
    Cancelled
        If ``order.cancel`` said True.
    """
    from napari_unets.images import create_page_writer

    target.parent.mkdir(parents=True, exist_ok=True)
    labels = order.settings.kind == "segmentation"
    with create_page_writer(target, metadata=order.metadata, overwrite=order.overwrite, labels=labels) as writer:
        for page, how in _each(sources, order, invert=invert):
            writer.write(_content(page, order, how), dpi=page.metadata.get("dpi"))


def _content(page: Stack, order: Order, how: dict[str, Any]) -> NDArray[Any]:
    """Return what a page becomes: (y, x), or (y, x, colour)."""
    from napari_unets.images.ink import ink_in_colour
    from napari_unets.inference import predict, segment

    model, settings = order.predictor.model, order.settings
    if settings.kind == "probabilities":
        probabilities: NDArray[Any] = predict(model, page, **how)[0]
        return probabilities
    ids: NDArray[Any] = segment(model, page, threshold=settings.threshold, **how)[0]
    if settings.kind == "segmentation":
        return ids
    return ink_in_colour(page.plane(0), ids == 1) if settings.colour else ids != 1


def _each(sources: Sequence[str], order: Order, *, invert: bool) -> Iterator[tuple[Stack, dict[str, Any]]]:
    """Each page, open, and how it is to be run."""
    from napari_unets.images import open_pages

    settings = order.settings
    with ExitStack() as files:
        documents = [
            files.enter_context(open_pages(source, pages=settings.pages, dpi=settings.dpi, invert=invert))
            for source in sources
        ]
        total = sum(len(document) for document in documents)
        for number, (document, i) in enumerate((d, i) for d in documents for i in range(len(d))):
            with document[i] as page:
                yield page, order.how(number, total)
