"""PNG: one file, or a folder of one file a plane."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike, NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_unets.images.decoded import Window
from napari_unets.images.errors import UnsupportedImageError
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.writing import PlaneWriter, Scratch

__all__ = ["PngWriter"]


class PngWriter(PlaneWriter):
    """Write PNG files, which keep the note as text.

    Parameters
    ----------
    path, shape, dtype, note, overwrite
        See :class:`~napari_unets.images.PlaneWriter`. A path that ends in ``.png`` takes a single plane; any
        other becomes a folder. Only a folder that holds nothing but PNG files is ever replaced.
    names : sequence of str, optional
        Names of the files in the folder, without suffix; numbers by default.

    Raises
    ------
    UnsupportedImageError
        If PNG has no such axes or pixels, or if several planes are to go into one file.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        note: Note,
        *,
        overwrite: bool = False,
        names: Sequence[str] | None = None,
    ) -> None:
        self._one_file = path.suffix.lower() == ".png"
        super().__init__(path, shape, dtype, note, overwrite=overwrite)
        colour = len(self.plane_shape) == 3
        if self.dtype.name not in (("uint8",) if colour else ("bool", "uint8", "uint16")):
            raise UnsupportedImageError(
                f"{path}: PNG cannot hold {'colour of ' if colour else ''}{self.dtype}, "
                "but uint8, and grey of uint16 or bool; use TIFF (.tif) or OME-Zarr (.ome.zarr)"
            )
        if self._one_file and self.n_planes > 1:
            raise UnsupportedImageError(
                f"{path}: one PNG cannot hold {self.n_planes} planes; name a folder, or use TIFF (.tif)"
            )
        if len(self.shape) - len(self.plane_shape) > 1:
            raise UnsupportedImageError(f"{path}: a folder of PNG files is a stack along one axis, not {note.axes!r}")
        names = names if names is not None else [f"{i:0{len(str(self.n_planes - 1))}d}" for i in range(self.n_planes)]
        if len(set(names)) != self.n_planes:
            raise ValueError(f"{len(set(names))} distinct names do for {self.n_planes} planes")
        self._names = names
        self._scratch = Scratch(self._temporary.with_suffix(".scratch"), (self.n_planes, *self.plane_shape), self.dtype)
        self._done: set[int] = set()
        if not self._one_file:
            with self._explained():
                self._temporary.mkdir()

    def _write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        if plane in self._done:
            raise ValueError(f"plane {plane} was written as a whole and cannot be changed any more")
        if array.shape == self.plane_shape and plane not in self._scratch.planes:
            self._encode(plane, array)
        else:
            self._scratch.write(plane, region, array)

    def _encode(self, plane: int, array: NDArray[Any]) -> None:
        text = PngInfo()
        text.add_text(NOTE_KEY, self.note.to_json())
        path = self._temporary if self._one_file else self._temporary / f"{self._names[plane]}.png"
        dpi = {} if self.note.dpi is None else {"dpi": self.note.dpi}
        Image.fromarray(array).save(path, format="PNG", pnginfo=text, **dpi)
        self._done.add(plane)

    def _finish(self) -> None:
        for plane in range(self.n_planes):
            if plane not in self._done:
                self._encode(plane, self._scratch.read(plane))
        self._let_go()

    def _let_go(self) -> None:
        self._scratch.remove()

    def _may_replace(self) -> bool:
        if self._one_file:
            return self.path.is_file()
        return self.path.is_dir() and all(file.suffix.lower() == ".png" for file in self.path.iterdir())
