"""Errors that a network's user can cause."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = ["ImageSizeError", "NetworkSettingsError", "UnknownNetworkError"]


class UnknownNetworkError(NapariUnetsError):
    """A name that no network of the registry has."""


class ImageSizeError(NapariUnetsError):
    """An image whose shape the network cannot take; the message gives the next size that it can."""


class NetworkSettingsError(NapariUnetsError):
    """A network built with settings that do not fit together."""
