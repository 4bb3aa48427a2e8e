"""Stacks of images: opened lazily, normalised, saved."""

from napari_unets.images.errors import (
    AxesError,
    ChannelsError,
    EmptyImageError,
    ImageError,
    ImageExistsError,
    ImageNotFoundError,
    ImageWriteError,
    MissingExtraError,
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    UnreadableImageError,
    UnsupportedImageError,
    VoxelSizeError,
)
from napari_unets.images.normalise import Statistics, compute_statistics, prepare_plane
from napari_unets.images.opening import open_stack
from napari_unets.images.saving import create_writer, save_stack
from napari_unets.images.stack import Stack, as_stack
from napari_unets.images.synthetic import synthetic_em_stack
from napari_unets.images.writing import PlaneWriter

__all__ = [
    "AxesError",
    "ChannelsError",
    "EmptyImageError",
    "ImageError",
    "ImageExistsError",
    "ImageNotFoundError",
    "ImageWriteError",
    "MissingExtraError",
    "MixedSizesError",
    "PlaneWriter",
    "Stack",
    "Statistics",
    "UnknownDatasetError",
    "UnknownLevelError",
    "UnreadableImageError",
    "UnsupportedImageError",
    "VoxelSizeError",
    "as_stack",
    "compute_statistics",
    "create_writer",
    "open_stack",
    "prepare_plane",
    "save_stack",
    "synthetic_em_stack",
]
