"""Numbers for the objects of one plane after the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_unets.inference.instances import membrane_instances
from napari_unets.inference.linking import LinkSettings, SliceLinker, link_settings

__all__ = ["PlaneLinks", "PlaneObjects"]


class PlaneLinks:
    """Links planes to objects in 3-D, each volume of a longer stack by itself.

    Parameters
    ----------
    n_slices : int
        Planes of a volume.
    settings : LinkSettings, optional
        When two objects are one.
    """

    def __init__(self, n_slices: int, settings: LinkSettings | None = None) -> None:
        self.settings = link_settings(settings)
        self._n_slices = n_slices
        self._linker = SliceLinker(self.settings)
        self._last: int | None = None

    def add(self, plane: int, labels: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
        """Give a plane's objects their final ids; they continue those of the plane before, if that was added."""
        if plane % self._n_slices == 0 or plane - 1 != self._last:
            self._linker.restart()
        self._last = plane
        return self._linker.add(labels)


class PlaneObjects:
    """Finds and numbers the objects of planes, no number twice unless linked.

    Parameters
    ----------
    threshold : float
        Membrane is where its probability is above this.
    min_size : int
        Smallest object of a plane, in pixels.
    links : PlaneLinks, optional
        Links the planes; without, each has its own objects.
    """

    def __init__(self, threshold: float, min_size: int, links: PlaneLinks | None = None) -> None:
        self._threshold, self._min_size = threshold, min_size
        self._links = links
        self._count = 0

    def __call__(self, plane: int, probability_of_membrane: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
        """Objects (y, x) of a plane, by its number over all axes before y."""
        labels = self._objects(probability_of_membrane)
        if self._links is not None:
            return self._links.add(plane, labels)
        count = int(labels.max(initial=0))
        labels[labels > 0] += np.uint32(self._count)
        self._count += count
        return labels

    def _objects(self, probability: npt.NDArray[np.float32]) -> npt.NDArray[np.uint32]:
        below = None if self._links is None else self._links.settings.merge_below
        if below is None:
            return membrane_instances(probability, self._threshold, self._min_size)
        from napari_unets.inference.merging import merged_instances  # its graphs take a while to import

        return merged_instances(probability, self._threshold, self._min_size, merge_below=below)
