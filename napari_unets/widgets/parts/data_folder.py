"""Where this package keeps what a user has not saved yet: annotations and unfinished fine-tunings."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["data_folder"]


def data_folder() -> Path:
    """``$NAPARI_UNETS_DATA``, or one in the platform's folder of user data."""
    if chosen := os.environ.get("NAPARI_UNETS_DATA"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_data_dir("napari-unets", appauthor=False))
