"""Run a model over an image in the worker: the job behind the Segment widget.

This module is imported by the window's process, which gives the function to the worker and receives
the events, so it imports neither torch nor anything that does; the worker does, inside the function.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.jobs.outputs.record import Output
from napari_unets.jobs.worker.kept import kept_predictor
from napari_unets.jobs.worker.sent_model import SentModel

if TYPE_CHECKING:
    from napari_unets.images import Stack, Statistics
    from napari_unets.inference import InferenceSettings, TileEvent
    from napari_unets.models import Model

__all__ = ["Output", "RunSummary", "Tile", "as_image_stack", "segment_stack"]


@dataclass(frozen=True)
class Tile:
    """A finished region of a plane.

    Attributes
    ----------
    plane : int
        Index of the plane, all axes before y counted together.
    y, x : slice
        The region.
    values : mapping of str to ndarray
        For each output that is ready: ``segmentation`` uint8 (y, x), ``probabilities`` float32 (y, x) of
        class 1, or (classes, y, x) of a model of more than two. ``instances``, uint32 (y, x), come when
        all of a plane is done, as one tile over all that was asked for of the plane.
    done, total : int
        Windows done and to be done.
    seconds_left : float or None
        Estimate; None before the speed is known.
    """

    plane: int
    y: slice
    x: slice
    values: Mapping[Output, NDArray[Any]]
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True)
class RunSummary:
    """What was run, once it is over.

    Attributes
    ----------
    model : str
        The model's name.
    device, device_reason, backend, precision : str
        Where and how it ran, and why there.
    seconds : float
        From the first look at the image to the last window.
    done, total : int
        Windows; fewer done than there are if the run was stopped.
    statistics : Statistics or None
        Of the whole stack; give them to the next run on the same image, which then need not read for them. None if
        the run was stopped before they were known.
    """

    model: str
    device: str
    device_reason: str
    backend: str
    precision: str
    seconds: float
    done: int
    total: int
    statistics: Statistics | None


def segment_stack(
    model: str | Path | SentModel,
    image: Any,
    *,
    rgb: bool | None = None,
    outputs: Sequence[Output] = ("segmentation",),
    threshold: float | None = None,
    min_size: int = 64,
    settings: InferenceSettings | Mapping[str, Any] | None = None,
    planes: Sequence[int] | None = None,
    window: tuple[slice, slice] | None = None,
    focus: tuple[int, float, float] | None = None,
    statistics: Statistics | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Generator[Tile, None, RunSummary]:
    """Segment an image, tile by tile. A job for `Worker.submit`.

    Parameters
    ----------
    model : str, Path or SentModel
        A name in the store, or a model's folder, as the worker sees it; or a model that is sent along.
    image : Stack, array, str or Path
        The image. What lies in a file is read by the worker itself.
    rgb : bool, optional
        Whether the last axis of an array is colour; guessed by default.
    outputs : sequence of str
        What to make: ``segmentation``, ``probabilities``, ``instances``.
    threshold : float, optional
        Class 1 is where its probability is above this; the card's by default.
    min_size : int
        Smallest object of ``instances``, in pixels.
    settings : InferenceSettings or mapping, optional
        Where and how to run.
    planes, window, focus, statistics, cancel
        See `napari_unets.inference.iter_tiles`. ``cancel`` is given by the worker.

    Yields
    ------
    Tile

    Returns
    -------
    RunSummary

    Raises
    ------
    ModelError, ImageError, InferenceError
        As those who load, open and run.
    """
    from napari_unets.inference import Cancelled, InferenceSettings, iter_tiles, stack_statistics
    from napari_unets.models import load_model

    chosen = settings if isinstance(settings, InferenceSettings) else InferenceSettings(**(settings or {}))
    loaded = load_model(model.unpack() if isinstance(model, SentModel) else model)
    stack = as_image_stack(image, rgb)
    with kept_predictor(loaded, chosen) as predictor:
        maker = _TileMaker(loaded, outputs, threshold, min_size)
        begun = time.monotonic()
        with suppress(Cancelled):
            statistics = statistics or stack_statistics(loaded, stack, cancel=cancel)
            for event in iter_tiles(
                loaded,
                stack,
                planes=planes,
                window=window,
                focus=focus,
                cancel=cancel,
                predictor=predictor,
                statistics=statistics,
            ):
                yield from maker.tiles(event)
            yield from maker.last()
        return RunSummary(
            model=loaded.name,
            device=predictor.device,
            device_reason=predictor.device_reason,
            backend=predictor.backend,
            precision=predictor.precision,
            seconds=time.monotonic() - begun,
            done=maker.done,
            total=maker.total,
            statistics=statistics,
        )


def as_image_stack(image: Any, rgb: bool | None) -> Stack:
    """Open an image that lies in a file, or look at an array as a stack."""
    from napari_unets.images import as_stack, open_stack

    return open_stack(image) if isinstance(image, str | Path) else as_stack(image, rgb=rgb)


class _TileMaker:
    """Makes what was asked for of the probabilities; collects a plane for its objects."""

    def __init__(self, model: Model, outputs: Sequence[Output], threshold: float | None, min_size: int) -> None:
        from napari_unets.inference import PlaneObjects

        self._outputs = outputs
        self._threshold = model.card.threshold if threshold is None else threshold
        self._number = PlaneObjects(self._threshold, min_size)
        self._collected: list[TileEvent] = []
        self.done = 0
        self.total = 0

    def tiles(self, event: TileEvent) -> Generator[Tile, None, None]:
        """Yield the objects of the plane before, if this region begins another, and the region's own outputs."""
        from napari_unets.inference import class_ids

        if self._collected and self._collected[0].plane != event.plane:
            yield from self.last()
        self.done, self.total = event.done, event.total
        if "instances" in self._outputs:
            self._collected.append(event)
        values: dict[Output, NDArray[Any]] = {}
        if "segmentation" in self._outputs:
            values["segmentation"] = class_ids(event.probabilities, self._threshold)
        if "probabilities" in self._outputs:
            values["probabilities"] = event.probabilities
        yield Tile(event.plane, event.y, event.x, values, event.done, event.total, event.seconds_left)

    def last(self) -> Generator[Tile, None, None]:
        """Yield the objects of the plane that was collected."""
        events, self._collected = self._collected, []
        if not events:
            return
        top, left = min(e.y.start for e in events), min(e.x.start for e in events)
        bottom, right = max(e.y.stop for e in events), max(e.x.stop for e in events)
        membrane = np.empty((bottom - top, right - left), np.float32)
        for e in events:
            membrane[e.y.start - top : e.y.stop - top, e.x.start - left : e.x.stop - left] = e.first_class
        end = events[-1]
        labels = self._number(end.plane, membrane)
        region = slice(top, bottom), slice(left, right)
        yield Tile(end.plane, *region, {"instances": labels}, end.done, end.total, end.seconds_left)
