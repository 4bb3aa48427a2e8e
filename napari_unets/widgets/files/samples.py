"""The samples of napari's menu File → Open Sample."""

from __future__ import annotations

from typing import Any

from napari_unets.images import as_stack, synthetic_em_stack, synthetic_page
from napari_unets.images.synthetic import SYNTHETIC_VOXEL_SIZE_NM
from napari_unets.images.synthetic_page import SYNTHETIC_PAGE_DPI
from napari_unets.widgets.files.stack_layer import stack_layer_data

__all__ = ["em_sample", "page_sample", "printed_page"]


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


def page_sample() -> list[tuple[Any, dict[str, Any], str]]:
    """Make a stained, faded page and its truth (0 = ink, hidden at first), as the data of two layers."""
    image, truth = synthetic_page()
    common = {"axis_labels": ("y", "x"), "metadata": {"dpi": [SYNTHETIC_PAGE_DPI] * 2}}
    return [
        (image, common | {"name": "Page sample", "rgb": True}, "image"),
        (truth, common | {"name": "Page truth", "visible": False}, "labels"),
    ]


def printed_page() -> list[tuple[Any, dict[str, Any], str]]:
    """Give scikit-image's photograph of a printed page under uneven light, as the data of a layer."""
    from skimage.data import page

    return [(page(), {"name": "Printed page", "axis_labels": ("y", "x")}, "image")]  # type: ignore[no-untyped-call]
