"""Networks that were converted once, kept on disk: converting takes seconds, reading milliseconds."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

__all__ = ["ConversionCache"]

#: Networks kept; the one not used for longest goes first.
_KEPT = 8


class ConversionCache:
    """A folder of converted networks, ``$NAPARI_UNETS_CACHE`` or the platform's cache folder.

    It is only ever a short cut: a folder that cannot be written or read is as good as an empty one.

    Parameters
    ----------
    folder : Path, optional
        Another folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        root = os.environ.get("NAPARI_UNETS_CACHE") or platformdirs.user_cache_dir("napari-unets", appauthor=False)
        self._folder = folder or Path(root) / "openvino"

    def find(self, key: str) -> Path | None:
        """Return the file stored under a key, or None."""
        path = self._folder / key / "network.xml"
        try:
            os.utime(path.parent)  # used just now
        except OSError:
            return None
        return path if path.with_suffix(".bin").is_file() and path.is_file() else None

    def store(self, key: str, save: Callable[[Path], None]) -> None:
        """Let ``save`` write a file and keep it under a key; then forget the oldest."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(dir=self._folder, prefix="."))
        except OSError:
            return
        try:
            save(fresh / "network.xml")
            fresh.rename(self._folder / key)  # all of it or nothing, also with two processes at once
        except (OSError, RuntimeError):
            shutil.rmtree(fresh, ignore_errors=True)
        self._forget()

    def drop(self, key: str) -> None:
        """Forget what is stored under a key: it cannot be read."""
        shutil.rmtree(self._folder / key, ignore_errors=True)

    def _forget(self) -> None:
        try:
            entries = [p for p in self._folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
            entries.sort(key=lambda p: p.stat().st_mtime, reverse=True)
        except OSError:
            return
        for entry in entries[_KEPT:]:
            shutil.rmtree(entry, ignore_errors=True)
