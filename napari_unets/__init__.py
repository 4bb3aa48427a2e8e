"""EM stacks and document scans to label layers with the U-Net family.

The names below are loaded when they are first used: importing the package costs neither torch nor napari.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unets.images import open_stack
    from napari_unets.inference import find_scale, predict, segment
    from napari_unets.learning import fine_tune
    from napari_unets.metrics import evaluate
    from napari_unets.models import load_model
    from napari_unets.networks import create_network

__version__ = "0.1.0"

_PLACES = {
    "create_network": "networks",
    "evaluate": "metrics",
    "find_scale": "inference",
    "fine_tune": "learning",
    "load_model": "models",
    "open_stack": "images",
    "predict": "inference",
    "segment": "inference",
}

__all__ = [
    "__version__",
    "create_network",
    "evaluate",
    "find_scale",
    "fine_tune",
    "load_model",
    "open_stack",
    "predict",
    "segment",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
