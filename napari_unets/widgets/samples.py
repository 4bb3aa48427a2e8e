"""The samples of napari's menu File → Open Sample."""

from __future__ import annotations

from typing import Any

from napari_unets.images import as_stack, synthetic_em_stack
from napari_unets.images.synthetic import SYNTHETIC_VOXEL_SIZE_NM
from napari_unets.widgets.stack_layer import stack_layer_data

__all__ = ["em_sample"]


def em_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """Make an EM stack and its truth (0 = membrane, hidden at first), as the data of two layers."""
    layers: list[tuple[Any, dict[str, Any], str]] = []
    image, truth = synthetic_em_stack()
    for name, array, kind in (("EM sample", image, "image"), ("EM truth", truth, "labels")):
        stack = as_stack(array, axes="zyx", name=name, voxel_size_nm=SYNTHETIC_VOXEL_SIZE_NM)
        _, keywords, _ = stack_layer_data(stack)
        keywords.pop("rgb", None)
        layers.append((array, keywords | {"visible": kind == "image"}, kind))
    return layers
