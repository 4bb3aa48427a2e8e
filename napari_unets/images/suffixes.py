"""Which suffix is which format."""

from __future__ import annotations

__all__ = ["HDF5_SUFFIXES", "MRC_SUFFIXES", "TIFF_SUFFIXES"]

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".lsm")
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
MRC_SUFFIXES = (".mrc", ".mrcs", ".rec", ".st", ".map", ".ali")
