"""Which suffix is which format."""

from __future__ import annotations

__all__ = ["HDF5_SUFFIXES", "MRC_SUFFIXES", "TIFF_SUFFIXES", "UNREAD_SUFFIXES"]

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".lsm")
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
MRC_SUFFIXES = (".mrc", ".mrcs", ".rec", ".st", ".map", ".ali")
#: Of images and documents in formats that are not read, which somebody may miss.
UNREAD_SUFFIXES = (
    *(".jp2", ".j2k", ".jpx", ".jpf", ".jxl", ".jxr", ".jbig2", ".jb2", ".gif", ".heic", ".heif", ".avif"),
    *(".djvu", ".djv", ".psd", ".xcf", ".dng", ".cr2", ".nef", ".arw", ".dm3", ".dm4", ".czi", ".nd2", ".lif", ".svs"),
)
