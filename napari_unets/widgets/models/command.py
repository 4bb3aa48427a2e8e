"""``napari-unets models …`` in a process of its own, for what would load torch into the window's process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from napari_unets.models import ModelError

__all__ = ["import_in_process"]

_SAYS = "napari-unets: "


def import_in_process(source: Path, name: str) -> str:
    """Take a model into the user's store, as :func:`napari_unets.models.import_model` does.

    Parameters
    ----------
    source : Path
        Zip file or folder.
    name : str
        What to call it.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ModelError
        With what the command has said.
    """
    command = [sys.executable, "-m", "napari_unets", "models", "import", str(source), "--name", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise ModelError(done.stderr.strip().removeprefix(_SAYS) or f"the import ended with code {done.returncode}")
    return name
