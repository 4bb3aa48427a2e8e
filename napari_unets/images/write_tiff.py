"""OME-TIFF, compressed, BigTIFF where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import DTypeLike, NDArray

from napari_unets.images.decoded import Window
from napari_unets.images.errors import UnsupportedImageError
from napari_unets.images.note import Note
from napari_unets.images.tiff_metadata import NOTE_TAG
from napari_unets.images.writing import PlaneWriter, Scratch

__all__ = ["TiffWriter"]

_BIG = 2**31  # bytes of pixels from which on BigTIFF is written
_TILED = 2048  # sides from which on planes are written in tiles, so that windows of them can be read
_TILE = (512, 512)


class TiffWriter(PlaneWriter):
    """Write an OME-TIFF file, one compressed page a plane.

    Whole planes that come in order are compressed at once. Whatever else comes goes to an uncompressed, sparse
    scratch file and is compressed when the writer is closed: so windows may come in any order, a page is
    compressed once, and never more than a plane is in memory.

    Parameters
    ----------
    path, shape, dtype, note, overwrite
        See :class:`~napari_unets.images.PlaneWriter`.
    big : bool, optional
        Whether BigTIFF is written; by default if there are more than 2 GB of pixels.

    Raises
    ------
    UnsupportedImageError
        If OME-TIFF has no such axes or pixels.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        note: Note,
        *,
        overwrite: bool = False,
        big: bool | None = None,
    ) -> None:
        super().__init__(path, shape, dtype, note, overwrite=overwrite)
        if not set(note.axes) <= set("tczyxs") or self.dtype.name not in _PIXELS:
            raise UnsupportedImageError(
                f"{path}: TIFF cannot hold axes {note.axes!r} of {self.dtype}; it can hold axes among 'tczyxs' of "
                f"{', '.join(_PIXELS)}. Use OME-Zarr (.ome.zarr), or convert the pixels"
            )
        if big is None:
            big = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize > _BIG
        self._scratch = Scratch(self._temporary.with_suffix(".scratch"), (self.n_planes, *self.plane_shape), self.dtype)
        self._next = 0
        with self._explained():
            self._file = tifffile.TiffWriter(self._temporary, bigtiff=big)

    def _write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        if plane < self._next:
            raise ValueError(f"plane {plane} was written as a whole and cannot be changed any more")
        if array.shape == self.plane_shape and plane == self._next and plane not in self._scratch.planes:
            self._append(array)
        else:
            self._scratch.write(plane, region, array)

    def _append(self, plane: NDArray[Any]) -> None:
        """Compress the next page."""
        first = self._next == 0
        colour = plane.ndim == 3 and plane.shape[2] > 2
        extra = plane.shape[2] - (3 if colour else 1) if plane.ndim == 3 else 0
        resolution, unit = self._resolution()
        self._file.write(
            plane,
            photometric="rgb" if colour else "minisblack",
            planarconfig="contig" if plane.ndim == 3 else None,
            extrasamples=["unassalpha"] * extra or None,
            compression="zlib",
            tile=_TILE if min(plane.shape[:2]) >= _TILED else None,
            description=self._ome_xml() if first else None,
            metadata=None,
            software="napari-unets" if first else False,
            resolution=resolution,
            resolutionunit=unit,
            extratags=[(NOTE_TAG, "s", 0, self.note.to_json(), True)] if first else (),
            contiguous=False,
        )
        self._next += 1

    def _resolution(self) -> tuple[tuple[float, float] | None, str | None]:
        """Pixels per unit along x and y, of a microscope or of a scanner."""
        if self.note.voxel_size_nm is not None:
            _, y, x = self.note.voxel_size_nm
            return (1e7 / x, 1e7 / y), "CENTIMETER"
        return (None, None) if self.note.dpi is None else (self.note.dpi, "INCH")

    def _ome_xml(self) -> str:
        axes = self.note.axes.upper()
        pages = self.n_planes
        samples = self.plane_shape[2] if len(self.plane_shape) == 3 else 1
        sizes: dict[str, Any] = {}
        if self.note.voxel_size_nm is not None:
            for axis, value in zip("ZYX", self.note.voxel_size_nm, strict=True):
                sizes |= {f"PhysicalSize{axis}": value, f"PhysicalSize{axis}Unit": "nm"}
        xml = tifffile.OmeXml()
        height, width = self.plane_shape[:2]
        stored = (pages, 1, 1, height, width, samples)
        xml.addimage(self.dtype, self.shape, stored, axes=axes, Name=self.path.name, **sizes)
        return str(xml.tostring(declaration=True)).encode("ascii", "xmlcharrefreplace").decode()

    def _finish(self) -> None:
        for plane in range(self._next, self.n_planes):
            self._append(self._scratch.read(plane))
        self._let_go()

    def _let_go(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
        self._scratch.remove()


_PIXELS = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
