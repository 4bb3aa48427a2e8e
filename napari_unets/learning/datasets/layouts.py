"""EM datasets as they are published: which file holds the images, and which the labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_unets.learning.datasets.catalogue import DatasetError, dataset

__all__ = ["LayoutName", "StackFiles", "find_stacks"]

LayoutName = Literal["isbi-2012", "piriform-cortex"]


@dataclass(frozen=True)
class StackFiles:
    """A stack and its labels on disk.

    Attributes
    ----------
    images, labels : Path
        Files or folders that :func:`~napari_unets.images.open_stack` opens.
    images_dataset, labels_dataset : str or None
        Which array, where a file holds several.
    """

    images: Path
    labels: Path
    images_dataset: str | None = None
    labels_dataset: str | None = None


#: Ways in which each dataset lies on disk, the first that is there counts. Of each stack: images, labels, their arrays.
_WAYS: dict[str, list[list[tuple[str, str, str | None, str | None]]]] = {
    "isbi-2012": [
        [("train-volume.tif", "train-labels.tif", None, None)],
        [("isbi.h5", "isbi.h5", "raw", "labels/membranes")],
        [("image", "label", None, None)],
    ],
    "piriform-cortex": [
        [(f"stack{n}-image.{end}", f"stack{n}-label.{end}", None, None) for n in (2, 3)] for end in ("tif", "h5")
    ],
}


def find_stacks(layout: LayoutName, folder: Path) -> list[StackFiles]:
    """Find the stacks of a dataset, in the order of the papers.

    Parameters
    ----------
    layout : {"isbi-2012", "piriform-cortex"}
        Name of the dataset. Of the piriform cortex stacks 2 and 3, which the SF-Net thesis learns from.
    folder : Path
        Where it was put.

    Returns
    -------
    list of StackFiles

    Raises
    ------
    DatasetError
        If the folder holds it in no way in which it is published.
    """
    for way in _WAYS[layout]:
        stacks = [StackFiles(folder / images, folder / labels, *arrays) for images, labels, *arrays in way]
        if all(pair.images.exists() and pair.labels.exists() for pair in stacks):
            return stacks
    raise DatasetError(
        f"{folder}: this is not {layout}; it is looked for as {dataset(layout).layout}. "
        f"How to get it: napari-unets datasets show {layout}"
    )
