"""``create_writer`` and ``save_stack``: the name of the target says its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import DTypeLike

from napari_unets.images.axes import default_axes
from napari_unets.images.errors import ImageWriteError, UnsupportedImageError
from napari_unets.images.note import Note
from napari_unets.images.stack import Stack, as_stack
from napari_unets.images.units import voxel_size
from napari_unets.images.writing import PlaneWriter

__all__ = ["create_writer", "save_stack"]


def create_writer(
    path: str | Path,
    shape: Sequence[int],
    dtype: DTypeLike,
    *,
    axes: str | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    metadata: Mapping[str, Any] | None = None,
    labels: bool = False,
    overwrite: bool = False,
    names: Sequence[str] | None = None,
) -> PlaneWriter:
    """Start to write a stack.

    Parameters
    ----------
    path : str or Path
        ``.tif`` or ``.tiff``: OME-TIFF. ``.zarr`` (best ``.ome.zarr``): OME-Zarr 0.5. ``.png``: one plane.
        No suffix, or a folder that is there: a folder of PNG files.
    shape : sequence of int
        Of the stack: plane axes, y, x, and s if there is colour.
    dtype : dtype
        Of the pixels.
    axes : str, optional
        One letter for each axis; zyx and the like by default.
    voxel_size_nm : sequence of 3 float, optional
        Nanometres along z, y, x.
    metadata : mapping, optional
        Anything that JSON can hold; comes back as the opened stack's ``metadata``. ``dpi`` (x, y) is also the
        resolution of TIFF and PNG files without a voxel size, for other programs.
    labels : bool
        Whether the pixels are ids.
    overwrite : bool
        Whether a target that is there is replaced (when the writer is closed).
    names : sequence of str, optional
        Names of the files in a folder of PNG files, without suffix.

    Returns
    -------
    PlaneWriter
        Give it planes or windows, then close it. Nothing is at ``path`` before that.

    Raises
    ------
    ImageExistsError, ImageWriteError, UnsupportedImageError, AxesError, VoxelSizeError
        See there.
    """
    path = Path(path).expanduser()
    shape = tuple(shape)
    note = Note(
        axes=axes.lower() if axes is not None else default_axes(shape, str(path)),
        voxel_size_nm=voxel_size(voxel_size_nm),
        is_labels=labels,
        metadata=dict(metadata or {}),
    )
    suffix = path.suffix.lower()
    if suffix in (".tif", ".tiff"):
        from napari_unets.images.write_tiff import TiffWriter

        return TiffWriter(path, shape, dtype, note, overwrite=overwrite)
    if suffix == ".zarr":
        from napari_unets.images.write_zarr import OmeZarrWriter

        return OmeZarrWriter(path, shape, dtype, note, overwrite=overwrite)
    if suffix in ("", ".png") or path.is_dir():
        from napari_unets.images.write_png import PngWriter

        return PngWriter(path, shape, dtype, note, overwrite=overwrite, names=names)
    raise UnsupportedImageError(
        f"{path}: files of type {suffix} are not written; use .tif, .ome.zarr, .png, or a folder (no suffix) for PNGs"
    )


def save_stack(
    path: str | Path,
    data: Any,
    *,
    axes: str | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    metadata: Mapping[str, Any] | None = None,
    labels: bool | None = None,
    overwrite: bool = False,
) -> Path:
    """Save a stack or an array, plane by plane.

    Parameters
    ----------
    path : str or Path
        As in :func:`create_writer`.
    data : Stack or array-like
        What :func:`~napari_unets.images.as_stack` takes. Of a stack, axes, voxel size, metadata and kind are
        kept where they are not given.
    axes, voxel_size_nm, metadata, labels, overwrite
        As in :func:`create_writer`.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    ImageWriteError
        If ``path`` is none; and as :func:`create_writer`.
    ImageError
        If ``data`` are no image.
    """
    if not isinstance(path, str | PathLike):
        raise ImageWriteError(
            f"what is to be written is named first, and then given: save_stack(path, image); the first is a "
            f"{type(path).__name__}"
        )
    stack = data if isinstance(data, Stack) and axes is None else as_stack(data, axes=axes, name=str(path))
    writer = create_writer(
        path,
        stack.shape,
        stack.dtype,
        axes=stack.axes,
        voxel_size_nm=stack.voxel_size_nm if voxel_size_nm is None else voxel_size_nm,
        metadata=stack.metadata if metadata is None else metadata,
        labels=stack.is_labels if labels is None else labels,
        overwrite=overwrite,
    )
    with writer:
        for i in range(stack.n_planes):
            writer.write(i, None, stack.plane(i))
    return writer.path
