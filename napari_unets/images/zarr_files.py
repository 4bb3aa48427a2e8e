"""OME-Zarr 0.4 and 0.5, and plain Zarr arrays (format 2 and 3)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zarr.errors
from numpy.typing import NDArray

from napari_unets.images.axes import default_axes, tidy_axes
from napari_unets.images.errors import (
    UnknownDatasetError,
    UnknownLevelError,
    UnreadableImageError,
    UnsupportedImageError,
    explain_read_errors,
)
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.remote import open_store, patiently
from napari_unets.images.source import ArraySource, FileImage, Region
from napari_unets.images.units import VoxelSize, nanometres

__all__ = ["open_zarr"]

#: What zarr and its codecs raise on broken stores.
_ERRORS = (ValueError, KeyError, TypeError, RuntimeError, zarr.errors.BaseZarrError)
_OLD_AXES = "tczyx"  # OME-Zarr before 0.3 always had these


def open_zarr(path: Path | str, *, level: int = 0, dataset: str | None = None) -> FileImage:
    """Open a Zarr array or an OME-Zarr image.

    Parameters
    ----------
    path : Path or str
        The array or group; a string is an address that fsspec understands.
    level : int
        Resolution level of an OME-Zarr image.
    dataset : str, optional
        Path of an array or image within the group, such as ``"labels/cells"``.

    Returns
    -------
    FileImage

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, UnknownDatasetError, UnknownLevelError
        See there.
    """
    if isinstance(path, str):
        return patiently(path, lambda: _open(path, open_store(path), level, dataset))
    with explain_read_errors(path, *_ERRORS):
        return _open(path, path, level, dataset)


def _open(path: Path | str, place: Any, level: int, dataset: str | None) -> FileImage:
    """Open what lies at a place, a path or a store."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)  # other files may lie between the arrays
        node = _open_node(path, place, dataset)
        if isinstance(node, zarr.Group):
            multiscale = _multiscale(node)
            if multiscale is not None:
                return _open_multiscale(path, node, multiscale, level)
            node = _only_array(path, node)
        if level:
            raise UnknownLevelError(f"{path}: is no pyramid, there is no level {level}")
        return _open_array(path, node)


class _ZarrSource(ArraySource):
    """An array of which nothing can be unpickled."""

    def __init__(self, path: Path | str, array: zarr.Array[Any]) -> None:
        if array.dtype.kind not in "biuf" or "pickle" in str(array.metadata.to_dict()).lower():
            raise UnsupportedImageError(f"{path}: an array of {array.dtype} objects is never loaded, it is no image")
        super().__init__(array, tuple(array.chunks))
        self._path = path

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        if isinstance(self._path, str):
            return patiently(self._path, lambda: ArraySource.read(self, region))
        with explain_read_errors(self._path, *_ERRORS):
            return super().read(region)


def _open_node(path: Path | str, place: Any, dataset: str | None) -> zarr.Group | zarr.Array[Any]:
    try:
        root = zarr.open(place, mode="r")
    except (FileNotFoundError, zarr.errors.NodeNotFoundError):
        raise UnreadableImageError(f"{path}: is no Zarr array or group, its description is missing") from None
    if dataset is None:
        # what converters of microscope files write: the first image is in the group "0"
        if isinstance(root, zarr.Group) and "bioformats2raw.layout" in _attributes(root) and "0" in root:
            return root["0"]
        return root
    if not isinstance(root, zarr.Group):
        raise UnknownDatasetError(f"{path}: is an array itself, leave the dataset {dataset!r} out")
    if dataset not in root:
        raise UnknownDatasetError(f"{path}: has no dataset {dataset!r}; it has {_listed(root)}")
    return root[dataset]


def _open_array(path: Path | str, array: zarr.Array[Any]) -> FileImage:
    source = _ZarrSource(path, array)
    names = getattr(array.metadata, "dimension_names", None)
    if names and all(names) and {"y", "x"} <= set(axes := tidy_axes(names)):
        return FileImage(source, axes)
    return FileImage(source, default_axes(source.shape, str(path)))


def _open_multiscale(path: Path | str, group: zarr.Group, multiscale: Mapping[str, Any], level: int) -> FileImage:
    datasets = multiscale["datasets"]
    if not 0 <= level < len(datasets):
        raise UnknownLevelError(f"{path}: has {len(datasets)} resolution level(s), there is no level {level}")
    stored = datasets[level]["path"]
    if stored not in group:
        raise UnreadableImageError(
            f"{path}: its description names the array {stored!r}, which is not there (it has {_listed(group)}); "
            "copy it again, or name one of these as its dataset"
        )
    array = group[stored]
    if not isinstance(array, zarr.Array):
        raise UnreadableImageError(f"{path}: its level {level} is no array")
    source = _ZarrSource(path, array)
    described = multiscale.get("axes", _OLD_AXES)
    names = [axis["name"] if isinstance(axis, Mapping) else axis for axis in described]
    axes = tidy_axes(names)
    if len(axes) != array.ndim or not {"y", "x"} <= set(axes):
        if "axes" not in multiscale:
            return FileImage(source, default_axes(source.shape, str(path)), levels=len(datasets))
        raise UnreadableImageError(f"{path}: is described by the axes {names}, but has the shape {array.shape}")
    attributes = _attributes(group)
    noted: Any = group.attrs.get(NOTE_KEY)
    note = Note.parse(noted) if noted is not None else None
    size = _voxel_size(axes, described, multiscale, datasets[level])
    if size is not None and note is not None and note.voxel_size_nm is not None and "z" not in axes:
        size = (note.voxel_size_nm[0], *size[1:])  # without an axis z, only our note has the distance of planes
    return FileImage(
        source,
        axes,
        size,
        metadata=note.metadata if note is not None else {},
        is_labels="image-label" in attributes,
        levels=len(datasets),
        channels=_channels(attributes),
    )


def _channels(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the channels, which OME-Zarr keeps with how they are shown."""
    try:
        return tuple(str(channel.get("label", "")) for channel in attributes["omero"]["channels"])
    except (KeyError, TypeError, AttributeError):
        return ()


def _voxel_size(
    axes: str, described: Any, multiscale: Mapping[str, Any], dataset: Mapping[str, Any]
) -> VoxelSize | None:
    """Voxel size in nanometres, if it is said and y and x have a unit of length."""
    transforms = [
        *(dataset.get("coordinateTransformations") or ()),
        *(multiscale.get("coordinateTransformations") or ()),
    ]
    scales = [one["scale"] for one in transforms if one.get("type") == "scale" and "scale" in one]
    if not scales:  # against the specification; a unit alone is not one voxel
        return None
    scale = np.prod(np.asarray(scales, dtype=float), axis=0)
    sizes: dict[str, float] = {}
    for letter, axis, value in zip(axes, described, scale, strict=True):
        unit = nanometres(axis["unit"]) if isinstance(axis, Mapping) and "unit" in axis else None
        if unit is not None:
            sizes[letter] = float(value) * unit
    if "y" not in sizes or "x" not in sizes:
        return None
    return sizes.get("z", sizes["y"]), sizes["y"], sizes["x"]


def _attributes(group: zarr.Group) -> Mapping[str, Any]:
    """OME's attributes, which version 0.5 has moved one level down."""
    attributes = group.attrs.asdict()
    ome = attributes.get("ome", attributes)
    return ome if isinstance(ome, Mapping) else attributes


def _multiscale(group: zarr.Group) -> Mapping[str, Any] | None:
    multiscales = _attributes(group).get("multiscales")
    return multiscales[0] if multiscales else None


def _arrays(group: zarr.Group) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, member in group.members(max_depth=None):
        if isinstance(member, zarr.Array):
            yield name, tuple(member.shape)


def _listed(group: zarr.Group) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in _arrays(group)) or "none at all"


def _only_array(path: Path | str, group: zarr.Group) -> zarr.Array[Any]:
    """Take the only array of a group that could be an image."""
    images = [name for name, shape in _arrays(group) if len(shape) >= 2 and 0 not in shape]
    if len(images) != 1:
        wrong = "choose a dataset" if images else "has no dataset that could be an image"
        raise UnknownDatasetError(f"{path}: {wrong}; it has {_listed(group)}")
    return group[images[0]]  # type: ignore[return-value]
