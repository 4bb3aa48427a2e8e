"""Documents in, clean documents or class ids out, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unets.images import PageWriter, Stack
    from napari_unets.inference import Predictor, TileEvent
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["Report", "clean_document", "label_pages", "probability_pages"]

#: Told how much of how much is done.
Report = Callable[[float, float], None]


def clean_document(
    sources: Sequence[str],
    target: Path,
    predictor: Predictor,
    settings: OutputSettings,
    metadata: Mapping[str, Any],
    report: Report,
    *,
    overwrite: bool,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write the ink of all pages of some documents on white.

    Parameters
    ----------
    sources : sequence of str
        Documents and pictures.
    target : Path
        Gets all their pages. Nothing half-written is left, whatever interrupts it.
    predictor : Predictor
        Tells ink, class 1, from paper.
    settings : OutputSettings
        Which pages, and how.
    metadata : mapping
        Kept in the file.
    report : callable
        Told how much is done.
    overwrite : bool
        Replace what is there.
    cancel : callable, optional
        Asked between windows; True stops.

    Raises
    ------
    Cancelled
        If ``cancel`` said True.
    """
    from napari_unets.images.ink import ink_in_colour

    with _writer(target, metadata, overwrite=overwrite) as writer:
        for page, ids in _each(_ids_of, sources, predictor, settings, report, cancel):
            pixels = ink_in_colour(page.plane(0), ids == 1) if settings.colour else ids != 1
            writer.write(pixels, dpi=page.metadata.get("dpi"))


def label_pages(
    source: str,
    target: Path,
    predictor: Predictor,
    settings: OutputSettings,
    metadata: Mapping[str, Any],
    report: Report,
    *,
    overwrite: bool,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write the class ids of pages of several sizes, as a TIFF with a page for each.

    Parameters
    ----------
    source, target, predictor, settings, metadata, report, overwrite, cancel
        As for :func:`clean_document`.
    """
    with _writer(target, metadata, overwrite=overwrite, labels=True) as writer:
        for page, ids in _each(_ids_of, [source], predictor, settings, report, cancel):
            writer.write(ids, dpi=page.metadata.get("dpi"))


def probability_pages(
    source: str,
    target: Path,
    predictor: Predictor,
    settings: OutputSettings,
    metadata: Mapping[str, Any],
    report: Report,
    *,
    overwrite: bool,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write the probabilities of class 1 of pages of several sizes, as a TIFF of real numbers with a page for each.

    Parameters
    ----------
    source, target, predictor, settings, metadata, report, overwrite, cancel
        As for :func:`clean_document`.
    """
    with _writer(target, metadata, overwrite=overwrite) as writer:
        for page, probabilities in _each(_probabilities_of, [source], predictor, settings, report, cancel):
            writer.write(probabilities, dpi=page.metadata.get("dpi"))


def _writer(target: Path, metadata: Mapping[str, Any], *, overwrite: bool, labels: bool = False) -> PageWriter:
    from napari_unets.images import create_page_writer

    target.parent.mkdir(parents=True, exist_ok=True)
    return create_page_writer(target, metadata=metadata, overwrite=overwrite, labels=labels)


def _each(
    compute: Callable[..., NDArray[Any]],
    sources: Sequence[str],
    predictor: Predictor,
    settings: OutputSettings,
    report: Report,
    cancel: Callable[[], bool] | None,
) -> Iterator[tuple[Stack, NDArray[Any]]]:
    """Each page, open, and what is computed of it (y, x)."""
    from napari_unets.images import open_pages

    with ExitStack() as files:
        documents = [files.enter_context(open_pages(s, pages=settings.pages, dpi=settings.dpi)) for s in sources]
        total = sum(len(document) for document in documents)
        for number, (document, i) in enumerate((d, i) for d in documents for i in range(len(d))):
            with document[i] as page:
                told = _told(report, number, total)
                yield page, compute(predictor, page, settings, on_event=told, cancel=cancel)[0]


def _ids_of(predictor: Predictor, page: Stack, settings: OutputSettings, **how: Any) -> NDArray[np.uint8]:
    from napari_unets.inference import segment

    ids: NDArray[np.uint8] = segment(predictor.model, page, threshold=settings.threshold, predictor=predictor, **how)
    return ids


def _probabilities_of(predictor: Predictor, page: Stack, _: OutputSettings, **how: Any) -> NDArray[np.float32]:
    from napari_unets.inference import predict

    probabilities: NDArray[np.float32] = predict(predictor.model, page, predictor=predictor, **how)
    return probabilities


def _told(report: Report, before: int, total: int) -> Callable[[TileEvent], None]:
    return lambda event: report(before + event.done / event.total, total)
