"""Planes to windows to probabilities to labels. Importing this loads no torch; its names do when they need it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unets.inference.devices import DeviceChoice, choose_device, hardware_has_bf16
    from napari_unets.inference.errors import (
        AnisotropicError,
        BackendError,
        Cancelled,
        DeviceError,
        InferenceError,
        InferenceSettingError,
        OutputError,
        WindowMemoryError,
    )
    from napari_unets.inference.finding_scale import FoundScale, find_scale
    from napari_unets.inference.instances import membrane_instances
    from napari_unets.inference.linking import LinkSettings, SliceLinker, block_tables, link_slices
    from napari_unets.inference.memory import keep_freed_memory
    from napari_unets.inference.merging import merged_instances
    from napari_unets.inference.openvino_backend import openvino_is_installed
    from napari_unets.inference.ortho import OrthoBlock, ortho_blocks
    from napari_unets.inference.plane_objects import PlaneLinks, PlaneObjects
    from napari_unets.inference.predictor import Predictor
    from napari_unets.inference.running import class_ids, predict, segment
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.inference.tiles import TileEvent, iter_tiles, stack_statistics

_PLACES = {
    "AnisotropicError": "errors",
    "BackendError": "errors",
    "block_tables": "linking",
    "Cancelled": "errors",
    "choose_device": "devices",
    "class_ids": "running",
    "DeviceChoice": "devices",
    "DeviceError": "errors",
    "find_scale": "finding_scale",
    "FoundScale": "finding_scale",
    "hardware_has_bf16": "devices",
    "InferenceError": "errors",
    "InferenceSettingError": "errors",
    "InferenceSettings": "settings",
    "iter_tiles": "tiles",
    "keep_freed_memory": "memory",
    "link_slices": "linking",
    "LinkSettings": "linking",
    "membrane_instances": "instances",
    "merged_instances": "merging",
    "openvino_is_installed": "openvino_backend",
    "ortho_blocks": "ortho",
    "OrthoBlock": "ortho",
    "OutputError": "errors",
    "PlaneLinks": "plane_objects",
    "PlaneObjects": "plane_objects",
    "predict": "running",
    "Predictor": "predictor",
    "segment": "running",
    "SliceLinker": "linking",
    "stack_statistics": "tiles",
    "TileEvent": "tiles",
    "WindowMemoryError": "errors",
}

__all__ = [
    "AnisotropicError",
    "BackendError",
    "Cancelled",
    "DeviceChoice",
    "DeviceError",
    "FoundScale",
    "InferenceError",
    "InferenceSettingError",
    "InferenceSettings",
    "LinkSettings",
    "OrthoBlock",
    "OutputError",
    "PlaneLinks",
    "PlaneObjects",
    "Predictor",
    "SliceLinker",
    "TileEvent",
    "WindowMemoryError",
    "block_tables",
    "choose_device",
    "class_ids",
    "find_scale",
    "hardware_has_bf16",
    "iter_tiles",
    "keep_freed_memory",
    "link_slices",
    "membrane_instances",
    "merged_instances",
    "openvino_is_installed",
    "ortho_blocks",
    "predict",
    "segment",
    "stack_statistics",
]


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
