"""The networks, one file a paper, and the registry that makes them by name. Pure torch."""

from __future__ import annotations

from napari_unets.networks.base import Network
from napari_unets.networks.errors import ImageSizeError, NetworkSettingsError, UnknownNetworkError
from napari_unets.networks.fcn8s import FCN8s
from napari_unets.networks.fusionnet import FusionNet
from napari_unets.networks.modular_cascade import ModularCascade
from napari_unets.networks.registry import create_network, network_class, network_names
from napari_unets.networks.segnet import SegNet
from napari_unets.networks.sf_net import SFNet
from napari_unets.networks.sliding_window import SlidingWindow
from napari_unets.networks.thresholds import Niblack, Otsu, Sauvola, Wolf
from napari_unets.networks.u_shaped import UShaped
from napari_unets.networks.unet import UNet
from napari_unets.networks.unet_plus_plus import UNetPlusPlus

__all__ = [
    "FCN8s",
    "FusionNet",
    "ImageSizeError",
    "ModularCascade",
    "Network",
    "NetworkSettingsError",
    "Niblack",
    "Otsu",
    "SFNet",
    "Sauvola",
    "SegNet",
    "SlidingWindow",
    "UNet",
    "UNetPlusPlus",
    "UShaped",
    "UnknownNetworkError",
    "Wolf",
    "create_network",
    "network_class",
    "network_names",
]
