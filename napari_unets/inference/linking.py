"""Objects of single slices to neurites: slices linked by overlap, two of them in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_unets.images.arrays import indexable
from napari_unets.inference.errors import InferenceError, InferenceSettingError
from napari_unets.inference.shifts import overlapping, slice_shift
from napari_unets.inference.writing import check_out, sink_for

__all__ = ["LinkSettings", "SliceLinker", "block_tables", "link_settings", "link_slices", "partners"]

_Labels = npt.NDArray[np.uint32]


class LinkSettings(BaseModel):
    """How the objects of consecutive slices are found to be one neurite.

    Attributes
    ----------
    min_overlap : float
        Smallest intersection over union of two objects in consecutive slices that are linked. They must be each
        other's best besides, so an object has one partner at most, and one false link never merges more than two.
    max_shift : int
        Serial sections lie beside each other by some pixels. Before their objects are compared, two slices are moved
        upon each other by up to this many pixels; 0 takes them as they are. The result is never moved.
    merge_below : float or None
        Before linking, merge the regions of a slice whose border has a mean membrane probability below this (see
        :func:`~napari_unets.inference.merged_instances`); None takes the objects of the plain watershed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_overlap: Annotated[float, Field(ge=0, le=1)] = 0.1
    max_shift: Annotated[int, Field(ge=0)] = 32
    merge_below: Annotated[float, Field(ge=0, le=1)] | None = None


def link_settings(settings: LinkSettings | None) -> LinkSettings:
    """Return the settings that were given, or else the defaults.

    Raises
    ------
    InferenceSettingError
        If they are something else, such as a dictionary.
    """
    if not isinstance(settings, LinkSettings | None):
        raise InferenceSettingError(
            f"when objects are linked is said by LinkSettings, not by {settings!r}: give LinkSettings(min_overlap=0.2)"
        )
    return settings or LinkSettings()


def partners(
    previous: npt.NDArray[np.integer], following: npt.NDArray[np.integer], settings: LinkSettings | None = None
) -> npt.NDArray[np.int64]:
    """Find the object of one slice that each object of the next one continues.

    Parameters
    ----------
    previous, following : ndarray of int, shape (y, x)
        Objects of two slices, numbered from 1; 0 is no object.
    settings : LinkSettings, optional
        When two are one.

    Returns
    -------
    ndarray of int64, shape (largest number in following + 1,)
        Number in ``previous``, or 0; no number twice. Of equally good partners the one that comes first in the slice,
        row by row, is taken, so the numbers themselves mean nothing.
    """
    how = link_settings(settings)
    result = np.zeros(int(following.max(initial=0)) + 1, np.int64)
    y, x = map(overlapping, following.shape, slice_shift(previous, following, how.max_shift))
    from napari_unets.metrics.overlap import overlap  # its compiler takes a while to import

    table = overlap(previous[y[0], x[0]], following[y[1], x[1]])
    if table.count.size == 0:
        return result
    before, after = table.truth_ids[table.truth], table.predicted_ids[table.predicted]
    union = np.bincount(previous.ravel())[before] + np.bincount(following.ravel())[after] - table.count
    iou = table.count / union
    forward = _best(before, iou, _first_pixels(following)[after])
    backward = _best(after, iou, _first_pixels(previous)[before])
    mutual = forward & backward & (iou >= how.min_overlap)
    result[after[mutual]] = before[mutual]
    return result


def _best(
    of: npt.NDArray[np.int64], score: npt.NDArray[np.floating], rank: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Which pairs are the best of their member ``of``; of equal ones that of the lowest rank."""
    order = np.lexsort((rank, -score, of))
    first = np.ones(len(order), bool)
    first[1:] = of[order[1:]] != of[order[:-1]]
    best = np.zeros(len(order), bool)
    best[order[first]] = True
    return best


def _first_pixels(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Where each object's first pixel is, counted row by row."""
    height, width = labels.shape
    first = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    for row in range(height - 1, -1, -1):
        first[labels[row, ::-1]] = np.arange((row + 1) * width - 1, row * width - 1, -1)
    return first


class SliceLinker:
    """Gives the objects of one slice after the other their final ids.

    An object takes the id of the one it continues, or a new one; as none has two partners, ids never change
    afterwards, and what is kept is the last slice. Which objects are linked depends on pairs of slices alone.

    Parameters
    ----------
    settings : LinkSettings, optional
        When two objects are one.
    """

    def __init__(self, settings: LinkSettings | None = None) -> None:
        self._settings = link_settings(settings)
        self._previous: npt.NDArray[np.integer] | None = None
        self._ids: _Labels = np.zeros(1, np.uint32)
        #: Number of ids given so far; they are 1 to this.
        self.count = 0

    def add(self, labels: npt.NDArray[np.integer]) -> _Labels:
        """Link the next slice.

        Parameters
        ----------
        labels : ndarray of int, shape (y, x)
            Its objects, numbered from 1; 0 is no object. It is kept until the next one, so it must not change.

        Returns
        -------
        ndarray of uint32, shape (y, x)
            The same objects with their final ids.

        Raises
        ------
        InferenceError
            If the slices differ in size, or there are more than 2³² - 1 objects.
        """
        ids = np.zeros(int(labels.max(initial=0)) + 1, np.uint32)
        if self._previous is not None:
            if self._previous.shape != labels.shape:
                raise InferenceError(f"slices of {self._previous.shape} and {labels.shape} pixels cannot be linked")
            ids = self._ids[partners(self._previous, labels, self._settings)]
        new = np.flatnonzero((np.bincount(labels.ravel(), minlength=len(ids)) > 0) & (ids == 0))
        new = new[new > 0]
        if self.count + len(new) > np.iinfo(np.uint32).max:
            raise InferenceError("more than 2³² - 1 objects: link the stack in parts, or raise min_size")
        ids[new] = np.arange(self.count + 1, self.count + 1 + len(new), dtype=np.uint32)
        self.count += len(new)
        self._previous, self._ids = labels, ids
        linked: _Labels = ids[labels]
        return linked

    def restart(self) -> None:
        """Forget the last slice: the next one begins another volume. Ids go on."""
        self._previous = None


def link_slices(labels: Any, *, out: Any = None, settings: LinkSettings | None = None) -> Any:
    """Link the objects of single slices to objects in 3-D, reading and writing slice by slice.

    Parameters
    ----------
    labels : array of int, shape (z, y, x)
        numpy, Dask, Zarr or HDF5. In each slice 0 is no object; numbers may be any, also the same in several slices.
    out : array of integers, optional
        numpy or Zarr array of at least 4 bytes a number to write into, possibly ``labels`` itself; a new numpy array by
        default.
    settings : LinkSettings, optional
        When two objects are one.

    Returns
    -------
    ndarray of uint32, or ``out``
        Ids from 1 on in the order in which the objects appear, 0 where ``labels`` is 0.

    Raises
    ------
    InferenceError
        If ``labels`` is no volume of integers.
    InferenceSettingError
        If ``settings`` are none.
    UnsupportedImageError
        If they are a path, for instance, or masked.
    OutputError
        If ``out`` has another shape, holds no integers, or narrow ones.
    """
    labels = indexable(labels, "slices to be linked")
    shape = tuple(labels.shape)
    if len(shape) != 3 or 0 in shape[1:] or np.dtype(labels.dtype).kind not in "iu":
        raise InferenceError(f"slices to be linked are integers (z, y, x), not {labels.dtype} of shape {shape}")
    result = np.empty(shape, np.uint32) if out is None else out
    check_out(result, shape, "iu", "slices to be linked", least=4)
    linker = SliceLinker(settings)
    with closing(sink_for(result, shape[:1])) as sink:
        for z in range(shape[0]):
            sink.write(z, slice(0, shape[1]), slice(0, shape[2]), linker.add(_numbered(np.asarray(labels[z]))))
    return result


def _numbered(labels: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Objects by numbers from 1, in the order of their ids, so that tables are no longer than the slice."""
    if labels.size and int(labels.min()) >= 0 and int(labels.max()) <= labels.size:
        return labels.astype(np.uint32)
    ids, index = np.unique(np.append(labels.ravel(), labels.dtype.type(0)), return_inverse=True)
    zero = int(np.searchsorted(ids, 0))
    index = np.where(index == zero, 0, index + (index < zero))
    return index[:-1].reshape(labels.shape).astype(np.uint32)


def block_tables(
    blocks: Iterable[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer], int]],
    settings: LinkSettings | None = None,
) -> Iterator[_Labels]:
    """Make the ids of blocks of slices, linked each by itself, those of the whole.

    Parameters
    ----------
    blocks : iterable of (first slice, last slice, count)
        Of each block from top to bottom: its first and its last slice, (y, x), as :func:`link_slices` or
        :class:`SliceLinker` numbered them within the block, and its number of ids. One block is held at a time.
    settings : LinkSettings, optional
        The same as within the blocks.

    Yields
    ------
    ndarray of uint32, shape (count + 1,)
        Of each block: ``table[block]`` has the ids that linking the whole stack at once gives.
    """
    last: npt.NDArray[np.integer] | None = None
    last_table: _Labels = np.zeros(1, np.uint32)
    given = 0
    for first, end, count in blocks:
        table = np.zeros(count + 1, np.uint32)
        if last is not None:
            found = partners(last, first, settings)
            table[: len(found)] = last_table[found]
        new = np.flatnonzero(table[1:] == 0) + 1
        table[new] = np.arange(given + 1, given + 1 + len(new), dtype=np.uint32)
        given += len(new)
        yield table
        last, last_table = end, table
