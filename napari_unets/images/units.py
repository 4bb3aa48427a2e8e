"""Lengths in nanometres, whatever a file calls its unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_unets.images.errors import VoxelSizeError

__all__ = ["VoxelSize", "known_voxel_size", "nanometres", "voxel_size"]

VoxelSize = tuple[float, float, float]

_NANOMETRES = {
    "pm": 1e-3,
    "picometer": 1e-3,
    "å": 0.1,
    "angstrom": 0.1,
    "nm": 1.0,
    "nanometer": 1.0,
    "um": 1e3,
    "micron": 1e3,
    "micrometer": 1e3,
    "mm": 1e6,
    "millimeter": 1e6,
    "cm": 1e7,
    "centimeter": 1e7,
    "m": 1e9,
    "meter": 1e9,
    "inch": 25.4e6,
    "in": 25.4e6,
}


def nanometres(unit: object) -> float | None:
    """How many nanometres a unit of length is.

    Parameters
    ----------
    unit : object
        A name, a symbol, in British or American spelling, singular or plural; anything with such a ``str``.

    Returns
    -------
    float or None
        None for what is no length, a pixel for instance.

    Examples
    --------
    >>> nanometres("µm"), nanometres("Micrometres"), nanometres("pixel")
    (1000.0, 1000.0, None)
    """
    name = str(unit).strip().replace("\\u00B5", "u")
    if name in {"\u00b5m", "\u03bcm"}:  # the micro sign and the Greek letter
        return 1e3
    name = name.lower().replace("metre", "meter").replace("\u212b", "å").replace("ångström", "angstrom")
    return _NANOMETRES.get(name) or _NANOMETRES.get(name.removesuffix("s"))


def voxel_size(values: Sequence[float] | None) -> VoxelSize | None:
    """Check a voxel size given by a user.

    Parameters
    ----------
    values : sequence of 3 float or None
        Nanometres along z, y, x.

    Returns
    -------
    tuple of 3 float or None

    Raises
    ------
    VoxelSizeError
        If it is not three positive, finite numbers.
    """
    if values is None:
        return None
    try:
        sizes = tuple(float(value) for value in values)
    except (TypeError, ValueError):  # a single number, or words
        sizes = ()
    if len(sizes) != 3 or not all(_is_length(size) for size in sizes):
        raise VoxelSizeError(f"a voxel size is three positive numbers of nanometres (z, y, x), not {values!r}")
    return sizes[0], sizes[1], sizes[2]


def known_voxel_size(sizes: VoxelSize | None) -> VoxelSize | None:
    """Return what is known of a voxel size that a file has: some programs leave 0, infinity or no number at all in it.

    Parameters
    ----------
    sizes : tuple of 3 float or None
        Nanometres along z, y, x.

    Returns
    -------
    tuple of 3 float or None
        None if y or x is no length; if only z is none, it is taken to be as large as y.

    Examples
    --------
    >>> known_voxel_size((float("nan"), 5.0, 4.0)), known_voxel_size((50.0, 0.0, 4.0))
    ((5.0, 5.0, 4.0), None)
    """
    if sizes is None or not (_is_length(sizes[1]) and _is_length(sizes[2])):
        return None
    return sizes if _is_length(sizes[0]) else (sizes[1], sizes[1], sizes[2])


def _is_length(size: float) -> bool:
    return math.isfinite(size) and size > 0
