"""How an input is opened where its file does not say, or is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["Opening"]


class Opening(BaseModel):
    """Arguments of :func:`~napari_unets.images.open_stack` where a file does not say, or is wrong.

    Attributes
    ----------
    axes : str or None
        One letter for each axis as stored.
    voxel_size_nm : tuple of 3 float or None
        Nanometres along z, y, x.
    level : int
        Resolution level of a pyramid, 0 being the full one.
    dataset : str or None
        Which array of a Zarr group or an HDF5 file, or which series of a TIFF file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    axes: str | None = None
    voxel_size_nm: tuple[float, float, float] | None = None
    level: int = 0
    dataset: str | None = None

    def changed(self) -> dict[str, Any]:
        """Return what is not as in the file; JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def open(self, source: str | Path, what: OutputSettings) -> Stack:
        """Open an image of which something is to be made.

        Parameters
        ----------
        source : str or Path
            Anything that :func:`~napari_unets.images.open_stack` opens.
        what : OutputSettings
            Says which pages, and in which resolution.

        Returns
        -------
        Stack

        Raises
        ------
        ImageError
            If it cannot be opened so.
        """
        from napari_unets.images import open_stack

        return open_stack(source, **self.model_dump(), pages=what.pages, dpi=what.dpi)
