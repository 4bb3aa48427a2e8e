"""Errors that a user of the inference can cause, and the one that is none."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = [
    "AnisotropicError",
    "BackendError",
    "Cancelled",
    "DeviceError",
    "InferenceError",
    "InferenceSettingError",
    "OutputError",
    "WindowMemoryError",
]


class InferenceError(NapariUnetsError):
    """Something that keeps a model from running over an image."""


class InferenceSettingError(InferenceError, ValueError):
    """A setting that does not exist, or a value that it cannot have."""


class DeviceError(InferenceError):
    """A device that was asked for and is not there; the message says why."""


class BackendError(InferenceError):
    """A back end that is not installed, does not run on the device, or cannot convert the network."""


class AnisotropicError(InferenceError):
    """A volume whose voxels are too long in one direction to be seen from all sides."""


class OutputError(InferenceError):
    """An array given as ``out`` whose shape or type cannot hold the result."""


class WindowMemoryError(InferenceError):
    """Memory that does not suffice even for the smallest window."""


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """The run was stopped because ``cancel`` said so. What was written before stays written."""
