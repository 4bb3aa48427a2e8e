"""How an input is opened where its file does not say, or is wrong."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

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
    channel : str or None
        Which of the channels, by its name in the file or its number from 1.
    invert : bool
        Whether bright and dark are exchanged; the only one that pages can have, too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    axes: str | None = None
    voxel_size_nm: tuple[float, float, float] | None = None
    level: int = 0
    dataset: str | None = None
    channel: str | None = None
    invert: bool = False

    def changed(self) -> dict[str, Any]:
        """Return what is not as in the file; JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def is_for_pages(self) -> bool:
        """Whether pages can be opened so."""
        return not self.changed().keys() - {"invert"}
