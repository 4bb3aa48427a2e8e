"""Which suffix is which format."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "HDF5_SUFFIXES",
    "MRC_SUFFIXES",
    "PDF_SUFFIXES",
    "PICTURE_SUFFIXES",
    "TIFF_SUFFIXES",
    "UNREAD_SUFFIXES",
    "is_image_name",
]

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf8", ".lsm")
HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
MRC_SUFFIXES = (".mrc", ".mrcs", ".rec", ".st", ".map", ".ali")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
PDF_SUFFIXES = (".pdf",)
#: Of images and documents in formats that are not read, which somebody may miss.
UNREAD_SUFFIXES = (
    *(".jp2", ".j2k", ".jpx", ".jpf", ".jxl", ".jxr", ".jbig2", ".jb2", ".gif", ".heic", ".heif", ".avif"),
    *(".npy", ".npz", ".nii", ".nrrd", ".mha", ".mhd", ".n5", ".ims", ".vsi", ".oib", ".oif"),
    *(".djvu", ".djv", ".psd", ".xcf", ".dng", ".cr2", ".nef", ".arw", ".dm3", ".dm4", ".czi", ".nd2", ".lif", ".svs"),
)


def is_image_name(path: Path) -> bool:
    """Whether a file is an image or a document by its name, so that no table or report may take its place."""
    known = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES, *UNREAD_SUFFIXES, ".zarr")
    return path.suffix.lower() in known
