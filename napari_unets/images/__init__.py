"""Stacks of images: opened lazily, normalised, saved."""

from napari_unets.images.errors import (
    AxesError,
    ChannelsError,
    EmptyImageError,
    EncryptedImageError,
    ImageError,
    ImageExistsError,
    ImageNotFoundError,
    ImageWriteError,
    IncompleteImageError,
    MissingExtraError,
    MixedSizesError,
    PageChoiceError,
    UnknownDatasetError,
    UnknownLevelError,
    UnreadableImageError,
    UnsupportedImageError,
    VoxelSizeError,
)
from napari_unets.images.inverted import inverted_stack
from napari_unets.images.normalise import LUMINANCE, Statistics, compute_statistics, prepare_plane
from napari_unets.images.opening import open_stack
from napari_unets.images.pages import Pages, open_page, open_pages
from napari_unets.images.saving import create_writer, save_stack
from napari_unets.images.stack import Stack, as_stack
from napari_unets.images.synthetic import synthetic_em_stack
from napari_unets.images.synthetic_page import synthetic_page
from napari_unets.images.write_pages import PageWriter, create_page_writer
from napari_unets.images.writing import PlaneWriter

__all__ = [
    "LUMINANCE",
    "AxesError",
    "ChannelsError",
    "EmptyImageError",
    "EncryptedImageError",
    "ImageError",
    "ImageExistsError",
    "ImageNotFoundError",
    "ImageWriteError",
    "IncompleteImageError",
    "MissingExtraError",
    "MixedSizesError",
    "PageChoiceError",
    "PageWriter",
    "Pages",
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
    "create_page_writer",
    "create_writer",
    "inverted_stack",
    "open_page",
    "open_pages",
    "open_stack",
    "prepare_plane",
    "save_stack",
    "synthetic_em_stack",
    "synthetic_page",
]
