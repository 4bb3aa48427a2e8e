"""Questions to the worker process. It imports neither napari nor Qt, and the window's process no torch."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata

__all__ = ["Devices", "find_devices"]


@dataclass(frozen=True)
class Devices:
    """Where the worker process can compute.

    Attributes
    ----------
    names : list of str
        What can be asked for, ``"auto"`` first.
    chosen : str
        What ``"auto"`` takes.
    reason : str
        Why, in one sentence for people.
    host : str
        Name of its machine.
    version : str
        Of this package, as it is installed there.
    """

    names: list[str]
    chosen: str
    reason: str
    host: str = ""
    version: str = ""


def find_devices() -> Devices:
    """List the devices of the process that this runs in."""
    import torch

    from napari_unets.inference.devices import choose_device

    chosen = choose_device("auto")
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    apple = ["mps"] if torch.backends.mps.is_available() else []
    return Devices(
        names=["auto", *gpus, *apple, "cpu"],
        chosen=chosen.name,
        reason=chosen.reason,
        host=platform.node(),
        version=metadata.version("napari-unets"),
    )
