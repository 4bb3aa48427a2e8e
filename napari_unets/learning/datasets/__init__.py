"""Published datasets: what they are, where to get them, and how they lie on disk."""

from __future__ import annotations

from napari_unets.learning.datasets.catalogue import DATASETS, Dataset, DatasetError, RemoteFile, dataset
from napari_unets.learning.datasets.download import download
from napari_unets.learning.datasets.layouts import LayoutName, StackFiles, find_stacks

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetError",
    "LayoutName",
    "RemoteFile",
    "StackFiles",
    "dataset",
    "download",
    "find_stacks",
]
