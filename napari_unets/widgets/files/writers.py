"""napari's writers: one layer to OME-TIFF, OME-Zarr or PNG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_unets.images import Stack, as_stack, save_stack
from napari_unets.images.units import VoxelSize, nanometres
from napari_unets.jobs.outputs.record import edited

__all__ = ["write_image", "write_labels"]

_AXES = frozenset("tczyx")


def write_image(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write an image layer.

    Parameters
    ----------
    path : str
        The target; its suffix says the format. napari has already asked whether it may be replaced.
    data : array-like
        Of the layer; of a multiscale layer, the finest level is written.
    meta : mapping
        The layer's keywords; scale, units and metadata are kept in the file.

    Returns
    -------
    list of str
        What was written.
    """
    return [_write(path, _stack(data, meta), meta, labels=False)]


def write_labels(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write a labels layer, its ids as 32-bit integers at most, which other programs can read.

    Parameters
    ----------
    path, data, meta
        As in :func:`write_image`.

    Returns
    -------
    list of str
        What was written.
    """
    stack = _stack(data, meta)
    if stack.dtype.itemsize == 8:
        planes = (stack.plane(i) for i in range(stack.n_planes))
        smallest, largest = np.array([(plane.min(), plane.max()) for plane in planes]).T
        smallest, largest = int(smallest.min()), int(largest.max())
        if smallest >= 0 and largest < 2**32:
            dtype = np.uint16 if largest < 2**16 else np.uint32
            lazy: Any = stack.as_dask()
            stack = as_stack(lazy.astype(dtype), axes=stack.axes, name=stack.name)
    return [_write(path, stack, meta, labels=True)]


def _write(path: str, stack: Stack, meta: Mapping[str, Any], *, labels: bool) -> str:
    target = save_stack(
        path,
        stack,
        voxel_size_nm=_voxel_size(meta),
        metadata=_that_json_can_hold(edited(meta.get("metadata") or {})),
        labels=labels,
        overwrite=Path(path).exists(),
    )
    return str(target)


def _stack(data: Any, meta: Mapping[str, Any]) -> Stack:
    rgb = bool(meta.get("rgb", False))
    if meta.get("multiscale") or isinstance(data, list | tuple):
        data = data[0]
    names = [str(name).lower() for name in meta.get("axis_labels") or ()]
    axes = "".join(names) + "s" * rgb
    if set(names) <= _AXES and len(set(names)) == len(names) == np.ndim(data) - rgb and names[-2:] == ["y", "x"]:
        return as_stack(data, axes=axes, name=str(meta.get("name", "layer")))
    return as_stack(data, rgb=rgb, name=str(meta.get("name", "layer")))


def _voxel_size(meta: Mapping[str, Any]) -> VoxelSize | None:
    """Voxel size in nanometres, if the layer's units are lengths; z of a single plane is taken to be that of y."""
    scale: Sequence[float] = meta.get("scale") or ()
    factors = [nanometres(unit) for unit in meta.get("units") or ()]
    if len(scale) < 2 or len(factors) != len(scale) or factors[-1] is None or factors[-2] is None:
        return None
    y, x = abs(float(scale[-2])) * factors[-2], abs(float(scale[-1])) * factors[-1]
    depth = factors[-3] if len(factors) > 2 else None
    return (abs(float(scale[-3])) * depth if depth is not None else y), y, x


def _that_json_can_hold(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what can be written; other plugins put objects of their own there."""
    kept = {}
    for key, value in metadata.items():
        try:
            kept[str(key)] = json.loads(json.dumps(value))
        except (TypeError, ValueError):
            continue
    return kept
