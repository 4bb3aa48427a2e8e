"""Planes to windows to probabilities to labels."""

from napari_unets.inference.devices import DeviceChoice, choose_device, hardware_has_bf16
from napari_unets.inference.errors import (
    BackendError,
    Cancelled,
    DeviceError,
    InferenceError,
    OutputError,
    WindowMemoryError,
)
from napari_unets.inference.instances import membrane_instances
from napari_unets.inference.memory import keep_freed_memory
from napari_unets.inference.openvino_backend import openvino_is_installed
from napari_unets.inference.predictor import Predictor
from napari_unets.inference.running import class_ids, predict, segment
from napari_unets.inference.settings import InferenceSettings
from napari_unets.inference.tiles import TileEvent, iter_tiles, stack_statistics

__all__ = [
    "BackendError",
    "Cancelled",
    "DeviceChoice",
    "DeviceError",
    "InferenceError",
    "InferenceSettings",
    "OutputError",
    "Predictor",
    "TileEvent",
    "WindowMemoryError",
    "choose_device",
    "class_ids",
    "hardware_has_bf16",
    "iter_tiles",
    "keep_freed_memory",
    "membrane_instances",
    "openvino_is_installed",
    "predict",
    "segment",
    "stack_statistics",
]
