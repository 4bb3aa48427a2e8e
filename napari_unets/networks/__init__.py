"""The networks, one file a paper, and the registry that makes them by name. Pure torch."""

from __future__ import annotations

from napari_unets.networks.base import Network
from napari_unets.networks.errors import ImageSizeError, NetworkSettingsError, UnknownNetworkError
from napari_unets.networks.registry import create_network, network_class, network_names
from napari_unets.networks.sf_net import SFNet

__all__ = [
    "ImageSizeError",
    "Network",
    "NetworkSettingsError",
    "SFNet",
    "UnknownNetworkError",
    "create_network",
    "network_class",
    "network_names",
]
