"""Run a model over the pages of a document, each as if it were alone: what the Segment widget does with documents.

Pages of several sizes lie at the top left of planes of the largest size. What is beside a page must not be seen: a
local threshold, or a network, would find an edge where the page ends. And what is measured before, to normalise,
belongs to a page and not to the document, as in the shell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unets.jobs.tasks.segmentation import RunSummary, Tile, segment_stack

if TYPE_CHECKING:
    from napari_unets.jobs.worker.sent_model import SentModel

__all__ = ["segment_pages"]

_Window = tuple[slice, slice]


def segment_pages(
    model: str | Path | SentModel,
    image: Any,
    pages: Sequence[tuple[int, int]],
    *,
    rgb: bool,
    planes: Sequence[int] | None = None,
    window: _Window | None = None,
    focus: tuple[int, float, float] | None = None,
    cancel: Callable[[], bool] | None = None,
    **settings: Any,
) -> Generator[Tile, None, RunSummary]:
    """Segment pages one by one, tile by tile. A job for `Worker.submit`.

    Parameters
    ----------
    model : str, Path or SentModel
        As for `segment_stack`.
    image : array
        Planes ``(…, y, x)``, or ``(…, y, x, s)`` of colour; each holds a page at its top left.
    pages : sequence of (int, int)
        Height and width of each plane's page.
    rgb : bool
        Whether the last axis is colour.
    planes, window, focus, cancel
        As for `segment_stack`. Of a window, what lies on the page is computed.
    **settings
        Other keywords of `segment_stack`.

    Yields
    ------
    Tile
        Its ``plane`` is that of the image. How many tiles there are in all is an estimate until the last page.

    Returns
    -------
    RunSummary
        Its statistics are those of the last page.

    Raises
    ------
    InferenceError
        If no page has a pixel in the window.
    ModelError, ImageError, InferenceError
        As `segment_stack`.
    """
    from napari_unets.inference import InferenceError

    chosen = list(range(len(pages)) if planes is None else planes)
    if focus is not None:
        chosen.sort(key=lambda plane: abs(plane - focus[0]))
    parts = {plane: part for plane in chosen if (part := _on_page(window, pages[plane])) is not None}
    if not parts:
        raise InferenceError("there is nothing of a page in view: move it onto the canvas, or run on the whole slice")
    areas = {plane: _area(part) for plane, part in parts.items()}
    done, seconds, looked_at, summary = 0, 0.0, 0, None
    for plane, part in parts.items():
        if summary is not None and cancel is not None and cancel():
            break
        looked_at += areas[plane]
        run = segment_stack(
            model,
            _page(image, plane, pages[plane], rgb=rgb),
            rgb=rgb,
            window=None if window is None else part,
            focus=None if focus is None else (0, *focus[1:]),
            cancel=cancel,
            **settings,
        )
        left = sum(areas.values()) / looked_at
        last = yield from _moved(run, plane, done, left)
        done, seconds, summary = done + last.done, seconds + last.seconds, last
    assert summary is not None  # noqa: S101 - there is a page
    total = max(summary.total, round(done * sum(areas.values()) / looked_at))
    return dataclasses.replace(summary, done=done, total=total, seconds=seconds)


def _moved(
    run: Generator[Tile, None, RunSummary], plane: int, before: int, share: float
) -> Generator[Tile, None, RunSummary]:
    """Hand on the tiles of a page as those of its plane; ``share`` is all pages' area by that of the pages so far."""
    while True:
        try:
            tile = next(run)
        except StopIteration as end:
            summary: RunSummary = end.value
            return summary
        total = round((before + tile.total) * share)
        left = tile.seconds_left
        if left is not None and tile.done:
            left *= (total - before - tile.done) / max(1, tile.total - tile.done)
        yield dataclasses.replace(tile, plane=plane, done=before + tile.done, total=total, seconds_left=left)


def _page(image: Any, plane: int, size: tuple[int, int], *, rgb: bool) -> Any:
    leading = image.shape[: len(image.shape) - 2 - rgb]
    index = np.unravel_index(plane, leading) if leading else ()
    return image[(*(int(i) for i in index), slice(0, size[0]), slice(0, size[1]))]


def _on_page(window: _Window | None, size: tuple[int, int]) -> _Window | None:
    """Part of a window that lies on a page; None if there is none."""
    if window is None:
        return slice(0, size[0]), slice(0, size[1])
    y, x = (slice(part.start, min(part.stop, length)) for part, length in zip(window, size, strict=True))
    return (y, x) if y.start < y.stop and x.start < x.stop else None


def _area(part: _Window) -> int:
    return int((part[0].stop - part[0].start) * (part[1].stop - part[1].start))
