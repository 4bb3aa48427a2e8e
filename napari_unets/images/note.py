"""The note that our writers leave in a file, whatever its format."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_unets.images.units import VoxelSize

__all__ = ["NOTE_KEY", "Note"]

#: Attribute or text key under which the note is kept.
NOTE_KEY = "napari_unets"


@dataclass(frozen=True)
class Note:
    """What a writer was told of an image."""

    #: Axes of the stored data.
    axes: str
    voxel_size_nm: VoxelSize | None = None
    #: Whether the pixels are ids.
    is_labels: bool = False
    #: Anything that JSON can hold.
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Pixels per inch along x and y, if the metadata has them."""
        try:
            x, y = (float(value) for value in self.metadata["dpi"])
        except (KeyError, TypeError, ValueError):
            return None
        return (x, y) if 0 < x < math.inf and 0 < y < math.inf else None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "axes": self.axes,
            "voxel_size_nm": self.voxel_size_nm,
            "is_labels": self.is_labels,
            "metadata": self.metadata,
        }

    def to_json(self) -> str:
        """Return ASCII-only JSON, which any format can hold."""
        return json.dumps(self.to_dict(), ensure_ascii=True)

    @classmethod
    def parse(cls, note: str | bytes | Mapping[str, Any]) -> Note | None:
        """Read a note back.

        Parameters
        ----------
        note : str, bytes or mapping
            JSON or what became of it.

        Returns
        -------
        Note or None
            None if it is none of ours: the pixels are readable all the same.
        """
        try:
            values = note if isinstance(note, Mapping) else json.loads(note)
            size = values["voxel_size_nm"]
            return cls(
                axes=str(values["axes"]),
                voxel_size_nm=None if size is None else (float(size[0]), float(size[1]), float(size[2])),
                is_labels=bool(values["is_labels"]),
                metadata=dict(values["metadata"]),
            )
        except (ValueError, KeyError, TypeError, IndexError):
            return None
