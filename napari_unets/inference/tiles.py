"""Windows of a stack, computed one after the other and handed out as they are done."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, Statistics, as_stack, compute_statistics
from napari_unets.inference.blending import Blender
from napari_unets.inference.errors import Cancelled, InferenceError, WindowMemoryError
from napari_unets.inference.planning import make_plan, region_extent
from napari_unets.inference.predictor import Predictor, predictor_for
from napari_unets.inference.reading import PlaneReader
from napari_unets.inference.settings import InferenceSettings

if TYPE_CHECKING:
    from napari_unets.models import Model

__all__ = ["TileEvent", "iter_tiles", "stack_statistics"]


@dataclass(frozen=True)
class TileEvent:
    """A window that was computed.

    Who writes the probabilities of every event into an array, in the order they come, has the exact result in the
    end. Neighbouring windows overlap: where a neighbour is still to come, an event shows the best values known so far,
    and the neighbour's event brings the blended ones.

    Attributes
    ----------
    plane : int
        Index of the plane, all axes before y counted together.
    y, x : slice
        Region of the plane.
    probabilities : ndarray of float32
        (y, x) for a model of two classes (class 1), otherwise (classes, y, x).
    done, total : int
        Windows done and to be done.
    seconds_left : float or None
        Estimate; None before the speed is known.
    """

    plane: int
    y: slice
    x: slice
    probabilities: npt.NDArray[np.float32]
    done: int
    total: int
    seconds_left: float | None

    @property
    def first_class(self) -> npt.NDArray[np.float32]:
        """Probabilities of class 1, (y, x)."""
        return self.probabilities if self.probabilities.ndim == 2 else self.probabilities[0]


def stack_statistics(model: Model, stack: Stack, *, cancel: Callable[[], bool] | None = None) -> Statistics:
    """Measure a whole stack, or arrange for each plane to be measured by itself, by the method on the model's card.

    Parameters
    ----------
    model : Model
        That is to see the stack.
    stack : Stack
        The image.
    cancel : callable, optional
        Asked before each part that is read; True stops.

    Returns
    -------
    Statistics

    Raises
    ------
    Cancelled
        If ``cancel`` said so.
    """

    def go_on() -> None:
        if cancel is not None and cancel():
            raise Cancelled("stopped while the grey values of the image were measured")

    how = model.card.normalisation
    luminance = stack.is_rgb and model.card.in_channels == 1
    return compute_statistics(
        stack, how.method, low=how.low, high=how.high, window=how.window, luminance=luminance, between=go_on
    )


def iter_tiles(
    model: Model,
    stack: Any,
    *,
    settings: InferenceSettings | None = None,
    planes: Sequence[int] | None = None,
    window: tuple[slice, slice] | None = None,
    focus: tuple[int, float, float] | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    statistics: Statistics | None = None,
    **overrides: Any,
) -> Iterator[TileEvent]:
    """Run a model over a stack, window by window.

    Parameters
    ----------
    model : Model
        What to run.
    stack : Stack or array
        Anything that :func:`napari_unets.images.as_stack` takes; read as far as needed, when needed.
    settings : InferenceSettings, optional
        Where and how; ``overrides`` replace single settings.
    planes : sequence of int, optional
        Which planes, in this order; all by default.
    window : tuple of slice, optional
        Only this region (y, x) of each plane. Its windows still see their halo outside of it.
    focus : tuple, optional
        Plane, y and x of what the user looks at: nearest windows come first. Otherwise they come row by row.
    cancel : callable, optional
        Asked before each batch of windows, and while statistics are measured; the run ends when it says True.
    predictor : Predictor, optional
        One made before, to be used again; its settings are then those of the run, and it stays open. Other settings
        beside it are refused.
    statistics : Statistics, optional
        Of the stack, if known already.

    Yields
    ------
    TileEvent
        A window each.

    Raises
    ------
    Cancelled
        If ``cancel`` said so.
    WindowMemoryError
        If not even the smallest windows fit into the memory. Larger ones that do not are made smaller, and the
        planes that were begun are begun again.
    InferenceSettingError
        If one of ``overrides`` is no setting, cannot have this value, or is another than the predictor has.
    InferenceError
        If a plane or region is asked for that the stack does not have.
    """
    stack = as_stack(stack)
    own = predictor is None
    predictor = predictor_for(model, settings, overrides, predictor)
    try:
        if statistics is None:
            statistics = stack_statistics(model, stack, cancel=cancel)
        run = _Run(predictor, stack, statistics, _planes_of(stack, planes, focus), window, focus, cancel)
        with predictor.running():
            yield from run.events()
    finally:
        if own:
            predictor.close()


def _planes_of(stack: Stack, planes: Sequence[int] | None, focus: tuple[int, float, float] | None) -> list[int]:
    chosen = list(range(stack.n_planes) if planes is None else dict.fromkeys(planes))
    if strange := [p for p in chosen if not 0 <= p < stack.n_planes]:
        raise InferenceError(f"{stack.name} has the planes 0 to {stack.n_planes - 1}, not {strange[0]}")
    if focus is not None:
        chosen.sort(key=lambda plane: abs(plane - focus[0]))
    return chosen


class _Run:
    """One run over some planes; knows which of them are finished."""

    def __init__(
        self,
        predictor: Predictor,
        stack: Stack,
        statistics: Statistics,
        planes: list[int],
        window: tuple[slice, slice] | None,
        focus: tuple[int, float, float] | None,
        cancel: Callable[[], bool] | None,
    ) -> None:
        self._predictor = predictor
        self._planes = planes
        self._focus = None if focus is None else focus[1:]
        self._cancel = cancel
        height, width = stack.plane_shape
        region = _region(window, height, width, stack.name)
        extent = region_extent(predictor, height, width, region)
        channels = predictor.model.card.in_channels
        self._reader = PlaneReader(stack, channels, statistics, by_rows=focus is None, extent=extent)
        self._plan = make_plan(predictor, height, width, len(planes), region)
        self._done = 0
        self._clock = _Clock()

    def events(self) -> Iterator[TileEvent]:
        while self._planes:
            try:
                yield from self._until_done()
            except WindowMemoryError:
                self._plan = self._plan.smaller(self._predictor)

    def _until_done(self) -> Iterator[TileEvent]:
        """Compute the planes that are left; each is taken off the list when it is finished."""
        grid = self._plan.grid
        order = grid.order(self._focus)
        blenders: dict[int, Blender] = {}
        finished = self._done
        total = finished + len(self._planes) * len(grid)
        left = {plane: len(grid) for plane in self._planes}
        tasks = ((plane, *where) for plane in tuple(self._planes) for where in order)
        done = finished
        for batch in _batches(tasks, self._plan.batch):
            if self._cancel is not None and self._cancel():
                raise Cancelled(f"stopped after {done} of {total} windows")
            results = self._compute(batch)
            self._clock.tick(len(batch))
            for (plane, row, column), values in zip(batch, results, strict=True):
                blender = blenders.setdefault(plane, Blender(grid))
                y, x, blended = blender.add(row, column, values)
                done += 1
                left[plane] -= 1
                if left[plane] == 0:
                    del blenders[plane]
                    self._planes.remove(plane)
                    self._done += len(grid)
                shown = blended[0] if len(blended) == 1 else blended
                yield TileEvent(plane, y, x, shown, done, total, self._clock.left(total - done))

    def _compute(self, batch: list[tuple[int, int, int]]) -> npt.NDArray[np.float32]:
        margin = self._predictor.geometry.margin
        images = []
        for plane, row, column in batch:
            y, x = self._plan.grid.rows[row], self._plan.grid.columns[column]
            images.append(
                self._reader.window(plane, (y.start - margin, y.stop + margin), (x.start - margin, x.stop + margin))
            )
        return self._predictor(np.stack(images) if len(images) > 1 else images[0][None])


def _region(window: tuple[slice, slice] | None, height: int, width: int, name: str) -> tuple[slice, slice] | None:
    if window is None:
        return None
    y, x = (slice(*part.indices(size)[:2]) for part, size in zip(window, (height, width), strict=True))
    if y.start >= y.stop or x.start >= x.stop:
        raise InferenceError(f"the region {window} holds no pixel of {name}, whose planes are {height}×{width}")
    return y, x


def _batches(tasks: Iterable[tuple[int, int, int]], size: int) -> Iterator[list[tuple[int, int, int]]]:
    remaining = iter(tasks)
    while batch := list(itertools.islice(remaining, size)):
        yield batch


class _Clock:
    """Time a window, without the first batch, which also compiles and warms up."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._count = 0
        self._last = 0.0

    def tick(self, windows: int) -> None:
        self._last = time.monotonic()
        if self._since is None:
            self._since = self._last
        else:
            self._count += windows

    def left(self, windows: int) -> float | None:
        if windows == 0:
            return 0.0
        if self._since is None or self._count == 0:
            return None
        return (self._last - self._since) / self._count * windows
