"""A model that goes along with a job, to a worker that does not see its folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["SentModel", "sent_model"]

_LARGE = 1 << 20


@dataclass(frozen=True)
class SentModel:
    """The files of a model's folder.

    Attributes
    ----------
    name : str
        Of the folder.
    files : mapping of str to ndarray of uint8
        Their contents by name.
    """

    name: str
    files: Mapping[str, NDArray[np.uint8]]

    def unpack(self) -> Path:
        """Write the files into a temporary folder, once a process and content; it goes when the process ends."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            digest.update(name.encode())
            digest.update(self.files[name].data)
        key = digest.hexdigest()
        if key not in _unpacked:
            place = tempfile.TemporaryDirectory(prefix="napari-unets-model-")
            folder = Path(place.name) / self.name
            folder.mkdir()
            for name, content in self.files.items():
                (folder / name).write_bytes(content.data)
            _unpacked[key] = place
        return Path(_unpacked[key].name) / self.name


#: Kept alive, which keeps the folders there.
_unpacked: dict[str, tempfile.TemporaryDirectory[str]] = {}


def sent_model(folder: Path) -> SentModel:
    """Read a model's folder, to be sent to another machine.

    Parameters
    ----------
    folder : Path
        As :func:`~napari_unets.models.load_model` reads it.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    return SentModel(folder.name, {path.name: _content(path) for path in sorted(folder.iterdir()) if path.is_file()})


def _content(path: Path) -> NDArray[np.uint8]:
    """Return a file's bytes; of a large file they are read when they are sent."""
    if path.stat().st_size > _LARGE:
        return np.memmap(path, np.uint8, "r")
    return np.fromfile(path, np.uint8)
