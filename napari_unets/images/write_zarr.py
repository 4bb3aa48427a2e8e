"""OME-Zarr 0.5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import DTypeLike, NDArray

from napari_unets.images.decoded import Window
from napari_unets.images.errors import UnsupportedImageError
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.ome_axes import check_ome_axes
from napari_unets.images.writing import PlaneWriter

__all__ = ["OmeZarrWriter", "ome_attributes"]

_CHUNK = 1024  # pixels along y and x
_KIND = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


class OmeZarrWriter(PlaneWriter):
    """Write an OME-Zarr 0.5 image, or label image, of one resolution level.

    Parameters
    ----------
    path, shape, dtype, note, overwrite
        See :class:`~napari_unets.images.PlaneWriter`.
    chunk : int
        Height and width of the chunks, in pixels.
    shard : int, optional
        How many chunks along y and x are kept in one file; by default each chunk is a file.

    Raises
    ------
    UnsupportedImageError
        If OME-Zarr has no such axes, or the labels are no integers.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        note: Note,
        *,
        overwrite: bool = False,
        chunk: int = _CHUNK,
        shard: int | None = None,
    ) -> None:
        super().__init__(path, shape, dtype, note, overwrite=overwrite)
        axes = note.axes
        check_ome_axes(axes, path)
        if note.is_labels and self.dtype.kind not in "iu":
            raise UnsupportedImageError(f"{path}: labels are integers, not {self.dtype}")
        before = len(self.shape) - 2
        chunks = (*(1,) * before, *(min(chunk, n) for n in self.plane_shape))
        shards = None if shard is None else (*(1,) * before, *(n * shard for n in chunks[before:]))
        with self._explained():
            group = zarr.create_group(
                self._temporary,
                zarr_format=3,
                attributes={"ome": ome_attributes(note, path.name), NOTE_KEY: note.to_dict()},
            )
            self._array = group.create_array(
                "0",
                shape=self.shape,
                dtype=self.dtype,
                chunks=chunks,
                shards=shards,
                dimension_names=list(axes),
                fill_value=0,
            )

    def _write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        place: tuple[int | slice, ...] = tuple(int(n) for n in np.unravel_index(plane, self.shape[:-2]))
        self._array[place + region] = array

    def _finish(self) -> None:
        """Nothing is left to do: chunks are complete when they are written."""

    def _let_go(self) -> None:
        """Nothing is kept open."""

    def _may_replace(self) -> bool:
        return self.path.is_dir() and any((self.path / mark).exists() for mark in ("zarr.json", ".zgroup", ".zarray"))


def ome_attributes(note: Note, name: str, *, factors: Sequence[tuple[int, int, int]] = ((1, 1, 1),)) -> dict[str, Any]:
    """Describe an image as OME-Zarr 0.5 wants it.

    Parameters
    ----------
    note : Note
        Axes and voxel size.
    name : str
        Of the image.
    factors : sequence of tuple of int
        For each resolution level, the voxels of the full resolution in one of its own, along z, y, x. The levels are
        the arrays ``"0"``, ``"1"``, ...

    Returns
    -------
    dict
        The group's attribute ``ome``.
    """
    size = note.voxel_size_nm
    scale = dict(zip("zyx", size, strict=True)) if size is not None else {}
    axes: list[dict[str, str]] = []
    for letter in note.axes:
        axes.append({"name": letter, "type": _KIND[letter]})
        if letter in scale:
            axes[-1]["unit"] = "nanometer"
    datasets = []
    for number, factor in enumerate(factors):
        times = dict(zip("zyx", factor, strict=True))
        sizes = [scale.get(letter, 1.0) for letter in note.axes]
        transforms = [{"type": "scale", "scale": [s * times.get(a, 1) for s, a in zip(sizes, note.axes, strict=True)]}]
        if number:  # the middle of a large voxel is not the middle of the first small one in it
            shift = [s * (times.get(a, 1) - 1) / 2 for s, a in zip(sizes, note.axes, strict=True)]
            transforms.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(number), "coordinateTransformations": transforms})
    multiscale: dict[str, Any] = {"name": name, "axes": axes, "datasets": datasets}
    if len(datasets) > 1:
        multiscale["type"] = "mode" if note.is_labels else "mean"
    attributes: dict[str, Any] = {"version": "0.5", "multiscales": [multiscale]}
    if note.is_labels:
        attributes["image-label"] = {}
    return attributes
