"""What ``segment`` makes of a stack as a volume, and not plane by plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import typer

__all__ = ["VolumeChoice"]


@dataclass(frozen=True)
class VolumeChoice:
    """Options of a run that look across planes.

    Attributes
    ----------
    link : bool
        Objects keep their ids from plane to plane.
    merge_below : float or None
        Mean membrane probability of a border, below which two regions are merged before linking.
    ortho : bool
        The mean of three orientations.
    """

    link: bool = False
    merge_below: float | None = None
    ortho: bool = False

    def __post_init__(self) -> None:
        """Refuse what does not go together.

        Raises
        ------
        BadParameter
            If there is nothing to merge for.
        """
        if self.merge_below is not None and not self.link:
            raise typer.BadParameter(
                "regions are merged before they are linked; add --link", param_hint="--merge-below"
            )

    def of_prediction(self) -> dict[str, Any]:
        """Return the arguments of :func:`~napari_unets.inference.predict`."""
        return {"ortho": self.ortho}

    def of_instances(self) -> dict[str, Any]:
        """Return the arguments of :func:`~napari_unets.inference.segment` for objects."""
        if not self.link:
            return {"ortho": self.ortho, "instances": True}
        from napari_unets.inference import LinkSettings

        return {"ortho": self.ortho, "instances": "3d", "linking": LinkSettings(merge_below=self.merge_below)}

    def to_record(self) -> dict[str, Any]:
        """Return what the output is to remember, where it is not what every run does."""
        values = {"link": self.link, "merge_below": self.merge_below, "ortho": self.ortho}
        return {name: value for name, value in values.items() if value is not None and value is not False}
