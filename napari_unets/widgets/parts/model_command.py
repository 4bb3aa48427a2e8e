"""``napari-unets models …`` in a process of its own, for what would load torch into the window's process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from napari_unets.models import ModelError

__all__ = ["import_in_process", "make_in_process"]

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
    _run("import", str(source), "--name", name)
    return name


def make_in_process(name: str, network: str, classes: list[str], settings: dict[str, object], *, rgb: bool) -> str:
    """Make an untrained model in the user's store, as :func:`napari_unets.models.new_model` does.

    Parameters
    ----------
    name, network : str
        What to call it, and the network's name.
    classes : list of str
        Names of the classes 1, 2, ….
    settings : dict
        Keywords of the network.
    rgb : bool
        Whether it sees colour.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ModelError
        With what the command has said.
    """
    options = [f"--class={one}" for one in classes] + [f"--set={key}={value}" for key, value in settings.items()]
    _run("new", name, f"--network={network}", *options, *(["--rgb"] if rgb else []))
    return name


def _run(command: str, *arguments: str) -> None:
    called = [sys.executable, "-m", "napari_unets", "models", command, *arguments]
    done = subprocess.run(called, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        said = done.stderr.strip().removeprefix(_SAYS)
        raise ModelError(said or f"napari-unets models {command} ended with code {done.returncode}")
