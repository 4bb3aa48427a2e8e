"""What a process keeps open from block to block: the model, ready to run, and the image."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_unets.images import ImageError, Stack, Statistics
from napari_unets.images.plane_statistics import PlaneStatistics
from napari_unets.images.remote import place_of
from napari_unets.images.source import Region
from napari_unets.jobs.outputs.matching import model_hash
from napari_unets.jobs.volumes.errors import LedgerMismatchError, SourceChangedError

if TYPE_CHECKING:
    from napari_unets.inference import Predictor, TileEvent
    from napari_unets.jobs.volumes.job import VolumeJob
    from napari_unets.models import Model

__all__ = ["OpenVolume", "Pixels", "close_volume", "opened"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Pixels:
    """A part of an image in memory, that can be run over as if it were all of it.

    Attributes
    ----------
    stack : Stack
        Planes of the image's full size, of which only what the block needs can be read.
    statistics : Statistics
        For normalising these planes.
    seconds : float
        That reading took.
    """

    stack: Stack
    statistics: Statistics
    seconds: float


class _Held:
    """Planes (z, y, x) or (z, y, x, s) of which only one window is in memory."""

    chunks = None

    def __init__(self, values: NDArray[Any], top: int, left: int, plane_shape: tuple[int, int]) -> None:
        self._values, self._top, self._left = values, top, left
        self.shape = (values.shape[0], *plane_shape, *values.shape[3:])
        self.dtype = values.dtype

    def read(self, region: Region) -> NDArray[Any]:
        z, y, x, *samples = region
        top, left = y.start - self._top, x.start - self._left
        bottom, right = y.stop - self._top, x.stop - self._left
        if min(top, left) < 0 or bottom > self._values.shape[1] or right > self._values.shape[2]:
            raise IndexError(f"rows {y} and columns {x} were not read with the block")
        return self._values[(z, slice(top, bottom), slice(left, right), *samples)]

    def close(self) -> None:
        pass


class OpenVolume:
    """A job's model and image, opened by this process.

    Parameters
    ----------
    job : VolumeJob
        The job.
    predictor : Predictor, optional
        One that is ready to run the job's model; it stays open.

    Raises
    ------
    ModelError, ImageError
        If one of them cannot be opened.
    LedgerMismatchError
        If the model of this name is another one here.
    """

    def __init__(self, job: VolumeJob, predictor: Predictor | None = None) -> None:
        self.job = job
        self.store = job.store
        self._lent = predictor is not None
        model = _model_of(job) if predictor is None else predictor.model
        if model_hash(model.card) != job.origin.model_sha256:
            raise LedgerMismatchError(f"{job.model}: is not the model that {job.output} was begun with")
        self._marks = _marks(job.source)
        self.stack = self._explained(job.open)
        self.predictor = _predictor_of(job, model) if predictor is None else predictor.with_settings(job.settings)
        self._statistics = job.known_statistics
        self._reading = threading.Lock()

    @property
    def engine(self) -> str:
        """Device, back end and precision."""
        return f"{self.predictor.device} {self.predictor.backend} {self.predictor.precision}"

    @property
    def threshold(self) -> float:
        """Of class 1."""
        chosen = self.job.what.threshold
        return self.predictor.model.card.threshold if chosen is None else chosen

    def read(self, before: tuple[int, ...], z: slice, window: tuple[slice, slice]) -> Pixels:
        """Read what the model has to see of a block.

        Raises
        ------
        SourceChangedError
            If the image is no longer there.
        """
        since = time.monotonic()
        with self._reading:
            stack, statistics = self._explained(lambda: self._read(before, z, window))
        return Pixels(stack, statistics, time.monotonic() - since)

    def _read(self, before: tuple[int, ...], z: slice, window: tuple[slice, slice]) -> tuple[Stack, Statistics]:
        from napari_unets.inference.planning import region_extent

        height, width = self.stack.plane_shape
        y, x = region_extent(self.predictor, height, width, window)
        values = self.stack[(*before, z, y, x)]
        held = _Held(values, y.start, x.start, (height, width))
        axes = "zyxs" if self.stack.is_rgb else "zyx"
        statistics = self._statistics
        if isinstance(statistics, PlaneStatistics):
            first = int(np.ravel_multi_index((*before, z.start), self.stack.shape[: self.stack.plane_axes]))
            known = {i: statistics.of_plane(self.stack, first + i) for i in range(len(values))}
            statistics = PlaneStatistics(method=statistics.method, window=statistics.window, _known=known)
        return Stack(held, axes, name=self.stack.name), statistics

    def _explained(self, read: Callable[[], _T]) -> _T:
        """Read from the image; if it is gone, say so: a Zarr of which files are missing would be read as 0."""
        try:
            result = read()
        except ImageError as error:
            if not all(mark.exists() for mark in self._marks):
                raise self._gone() from error
            raise
        if not all(mark.exists() for mark in self._marks):
            raise self._gone()
        return result

    def _gone(self) -> SourceChangedError:
        return SourceChangedError(
            f"{self.job.source}: is no longer there. What {self.job.output} has of it so far is valid; bring the input "
            "back and go on with --resume"
        )

    def tiles(
        self, pixels: Pixels, window: tuple[slice, slice], cancel: Callable[[], bool] | None = None
    ) -> Iterator[TileEvent]:
        """Run the model over a block that was read."""
        from napari_unets.inference import iter_tiles

        return iter_tiles(
            self.predictor.model,
            pixels.stack,
            window=window,
            cancel=cancel,
            predictor=self.predictor,
            statistics=pixels.statistics,
        )

    def close(self) -> None:
        """Give image and memory back."""
        self.stack.close()
        if not self._lent:
            self.predictor.close()


def _model_of(job: VolumeJob) -> Model:
    from napari_unets.models import load_model

    return load_model(Path(job.model) if Path(job.model).is_absolute() else job.model)


def _predictor_of(job: VolumeJob, model: Model) -> Predictor:
    from napari_unets.inference import Predictor

    return Predictor(model, job.settings)


def _marks(source: str) -> list[Path]:
    """List what is there as long as the image is; a server that does not answer is an error anyway."""
    path = place_of(source)
    if isinstance(path, str):
        return []
    return [path, *(path / mark for mark in ("zarr.json", ".zgroup", ".zarray") if (path / mark).exists())]


_LOCK = threading.Lock()
_OPEN: dict[str, OpenVolume] = {}


def opened(job: VolumeJob) -> OpenVolume:
    """Open a job's volume; what the process has open of the same job is used again, and any other closed."""
    with _LOCK:
        if job.key not in _OPEN:
            _close_all()
            _OPEN[job.key] = OpenVolume(job)
        return _OPEN[job.key]


def close_volume() -> None:
    """Close what this process keeps open."""
    with _LOCK:
        _close_all()


def _close_all() -> None:
    for volume in _OPEN.values():
        volume.close()
    _OPEN.clear()
