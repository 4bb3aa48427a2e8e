"""An OME-Zarr 0.5 volume that is valid from the start and filled block by block, by any number of processes."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from napari_unets.images.errors import ImageWriteError
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.ome_axes import check_ome_axes
from napari_unets.images.pyramid import Level, Pyramid, halved
from napari_unets.images.write_zarr import ome_attributes

__all__ = ["VolumeStore"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class VolumeStore:
    """The layout of a volume on disk, and what its blocks look like there.

    Attributes
    ----------
    pyramid : Pyramid
        Levels and blocks, with the classes, if any, as the first axis; the note's axes say where they are on disk.
    dtype : str
        Of the voxels.
    note : Note
        Axes, voxel size, and metadata that are kept in the file.
    classes : sequence of (int, str, str)
        Id, name and colour (``"#rrggbb"``) of the classes of a segmentation.
    """

    pyramid: Pyramid
    dtype: str
    note: Note
    classes: tuple[tuple[int, str, str], ...] = ()

    def create(self, path: Path, scratch: Path) -> None:
        """Write the description of the volume, in which every voxel is 0.

        Parameters
        ----------
        path : Path
            Where nothing is yet. It appears there as a whole.
        scratch : Path
            A folder of the same file system for what is unfinished; made if missing. A process that is killed leaves
            its part there.

        Raises
        ------
        UnsupportedImageError
            If OME-Zarr has no such axes.
        ImageWriteError
            If it cannot be written.
        """
        check_ome_axes(self.note.axes, path)
        temporary = scratch / uuid.uuid4().hex
        try:
            scratch.mkdir(exist_ok=True)
            group = zarr.create_group(temporary, zarr_format=3, attributes=self._attributes(path.name))
            for level in self.pyramid.levels:
                self._create_array(group, level)
            temporary.rename(path)
        except OSError as error:
            raise ImageWriteError(f"{path}: could not be written ({error.strerror or error})") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def files(self, start: Sequence[int], values: NDArray[Any]) -> dict[str, memoryview]:
        """Encode a block at all levels.

        Parameters
        ----------
        start : sequence of int
            Where the block begins in level 0, on all axes, the classes first.
        values : ndarray
            Its voxels, with the same axes.

        Returns
        -------
        dict of str to bytes
            Content of each file by its path in the volume's folder. The same voxels always give the same bytes;
            a block that is 0 throughout has no files.
        """
        contents: dict[str, memoryview] = {}
        for number, level in enumerate(self.pyramid.levels):
            if number:
                values = halved(values, self.pyramid.steps(number), is_labels=self.note.is_labels)
            factor = (*(1,) * (values.ndim - 3), *level.factor)
            first = [n // f for n, f in zip(start, factor, strict=True)]
            region = tuple(slice(n, n + size) for n, size in zip(first, values.shape, strict=True))
            kept: dict[str, Buffer] = {}
            array = self._create_array(zarr.create_group(MemoryStore(kept), zarr_format=3), level)
            array[self._on_disk(region)] = np.moveaxis(values, 0, self._class_axis)
            inside = f"{level.path}/c/"
            contents |= {key: memoryview(kept[key].to_bytes()) for key in sorted(kept) if key.startswith(inside)}
        return contents

    def _create_array(self, group: zarr.Group, level: Level) -> zarr.Array[Any]:
        # Zstandard alone finds the runs of labels; real numbers need their bytes sorted by significance first.
        integers = np.dtype(self.dtype).kind in "iu"
        codec = ZstdCodec(level=1) if integers else BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
        return group.create_array(
            level.path,
            shape=self._on_disk(level.shape),
            dtype=self.dtype,
            chunks=self._on_disk(level.chunks),
            shards=self._on_disk(level.shards) if level.is_sharded else None,
            compressors=codec,
            dimension_names=list(self.note.axes),
            fill_value=0,
        )

    @property
    def _class_axis(self) -> int:
        """Where the first axis is on disk."""
        return self.note.axes.index("c") if self.pyramid.class_axis else 0

    def _on_disk(self, sides: tuple[_T, ...]) -> tuple[_T, ...]:
        """Order what there is of each axis as the axes are on disk."""
        first, *others = sides
        others.insert(self._class_axis, first)
        return tuple(others)

    def _attributes(self, name: str) -> dict[str, Any]:
        factors = [level.factor for level in self.pyramid.levels]
        ome = ome_attributes(self.note, name, factors=factors)
        if self.note.is_labels and self.classes:
            ome["image-label"] = _label_attributes(self.classes)
        return {"ome": ome, NOTE_KEY: self.note.to_dict()}


def _label_attributes(classes: Sequence[tuple[int, str, str]]) -> Mapping[str, Any]:
    colours = [
        {"label-value": value, "rgba": [*(int(colour[i : i + 2], 16) for i in (1, 3, 5)), 255]}
        for value, _, colour in classes
    ]
    return {"colors": colours, "properties": [{"label-value": value, "class": name} for value, name, _ in classes]}
