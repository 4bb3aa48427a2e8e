"""Windows of a block to the voxels that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_unets.inference import LinkSettings, PlaneLinks, PlaneObjects, class_ids

if TYPE_CHECKING:
    from napari_unets.inference import TileEvent
    from napari_unets.jobs.outputs.settings import OutputSettings
    from napari_unets.jobs.volumes.process import OpenVolume

__all__ = ["BlockValues", "values_for"]


class BlockValues(Protocol):
    """Collects the windows of a block, plane by plane."""

    #: Ids in the block.
    objects: int

    def add(self, event: TileEvent) -> None:
        """Take a window."""

    def finish(self) -> NDArray[Any]:
        """Return the voxels, (z, y, x) or (classes, z, y, x), when all windows were added."""


def values_for(volume: OpenVolume, shape: tuple[int, int, int], window: tuple[slice, slice]) -> BlockValues:
    """Choose what collects a block's windows.

    Parameters
    ----------
    volume : OpenVolume
        Says what is made.
    shape : tuple of int
        Of the block (z, y, x).
    window : tuple of slice
        Its rows and columns.
    """
    job = volume.job
    if job.what.kind == "instances":
        return _Objects(shape, job.what, volume.threshold)
    return _Voxels(volume, shape, window)


class _Voxels:
    """Class ids or probabilities: every window is put in its place."""

    objects = 0

    def __init__(self, volume: OpenVolume, shape: tuple[int, int, int], window: tuple[slice, slice]) -> None:
        self._classes = volume.job.class_axis
        self._threshold = volume.threshold if volume.job.what.kind == "segmentation" else None
        self._top, self._left = window[0].start, window[1].start
        classes = volume.job.shape[:1] if self._classes else ()
        self._values = np.zeros((*classes, *shape), volume.job.dtype)

    def add(self, event: TileEvent) -> None:
        p: NDArray[Any] = event.probabilities
        y = slice(event.y.start - self._top, event.y.stop - self._top)
        x = slice(event.x.start - self._left, event.x.stop - self._left)
        if self._threshold is not None:
            p = class_ids(p, self._threshold)
        elif p.ndim == 3 and not self._classes:
            p = p[0]
        self._values[..., event.plane, y, x] = p

    def finish(self) -> NDArray[Any]:
        return self._values


class _Objects:
    """Objects, numbered and linked within the block; blocks are as large as planes."""

    def __init__(self, shape: tuple[int, int, int], what: OutputSettings, threshold: float) -> None:
        links = PlaneLinks(shape[0], LinkSettings(merge_below=what.merge_below)) if what.link else None
        self._number = PlaneObjects(threshold, what.min_size, links)
        self._values = np.zeros(shape, np.uint32)
        self._probability = np.empty(shape[1:], np.float32)
        self._plane = 0
        self.objects = 0

    def add(self, event: TileEvent) -> None:
        if event.plane != self._plane:
            self._finish_plane()
            self._plane = event.plane
        self._probability[event.y, event.x] = event.first_class

    def finish(self) -> NDArray[Any]:
        self._finish_plane()
        return self._values

    def _finish_plane(self) -> None:
        self._values[self._plane] = self._number(self._plane, self._probability)
        self.objects = max(self.objects, int(self._values[self._plane].max()))
