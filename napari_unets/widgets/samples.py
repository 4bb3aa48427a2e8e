"""The samples of napari's menu File → Open Sample."""

from __future__ import annotations

from typing import Any

from napari_unets.images import as_stack, synthetic_em_stack
from napari_unets.images.synthetic import SYNTHETIC_VOXEL_SIZE_NM
from napari_unets.widgets.stack_layer import stack_layer_data

__all__ = ["em_sample"]


def em_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """Make an EM stack and its truth, as the data of two layers."""
    image, truth = (
        as_stack(array, axes="zyx", name=name, voxel_size_nm=SYNTHETIC_VOXEL_SIZE_NM)
        for name, array in zip(("EM sample", "EM truth"), synthetic_em_stack(), strict=True)
    )
    data, keywords, _ = stack_layer_data(image, "image")
    true_data, true_keywords, _ = stack_layer_data(truth, "labels")
    return [(data, keywords, "image"), (true_data, true_keywords | {"visible": False}, "labels")]
