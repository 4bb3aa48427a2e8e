"""``--dataset``, ``--channel``, ``--level``, ``--axes``, ``--voxel-size``, ``--invert``: what a file does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from napari_unets.jobs.outputs.opening import Opening

__all__ = ["Axes", "Channel", "Dataset", "Invert", "Level", "VoxelSize", "opening_of"]

Dataset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which array of an HDF5 file or Zarr group, or which series of a TIFF file."),
]
Channel = Annotated[
    str | None,
    typer.Option(metavar="NAME|N", help="Which of the channels: its name in the file, or its number from 1."),
]
Level = Annotated[int, typer.Option(metavar="N", min=0, help="Resolution level of a pyramid; 0 is the finest.")]
Axes = Annotated[
    str | None,
    typer.Option(metavar="LETTERS", help="One letter for each axis as stored, such as zyx, where the file is wrong."),
]
VoxelSize = Annotated[
    str | None,
    typer.Option(metavar="Z,Y,X", help="Size of a voxel in nanometres, such as 50,4,4, where the file is wrong."),
]

Invert = Annotated[
    bool, typer.Option("--invert", help="Exchange bright and dark: of sections with bright membranes, of negatives.")
]


def opening_of(
    dataset: str | None, channel: str | None, level: int, axes: str | None, voxel_size: str | None, *, invert: bool
) -> Opening:
    """Read the options.

    Raises
    ------
    BadParameter
        If the voxel size is not three sizes.
    """
    from napari_unets.jobs.outputs.opening import Opening

    return Opening(
        dataset=dataset,
        channel=channel,
        level=level,
        axes=axes,
        voxel_size_nm=_nanometres(voxel_size),
        invert=invert,
    )


def _nanometres(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    from napari_unets.images.errors import VoxelSizeError
    from napari_unets.images.units import voxel_size

    try:
        return voxel_size([float(part) for part in text.split(",")])
    except (ValueError, VoxelSizeError):
        raise typer.BadParameter(
            f"{text}: should be three sizes in nanometres along z, y and x, such as 50,4,4", param_hint="--voxel-size"
        ) from None
