"""Whether the planes of a stack lie behind one another."""

from __future__ import annotations

from napari_unets.images import Stack
from napari_unets.inference.errors import InferenceError

__all__ = ["check_depth"]


def check_depth(stack: Stack) -> None:
    """Refuse a stack whose last axis before y is not the depth that objects are linked along and volumes turned about.

    Parameters
    ----------
    stack : Stack
        The image.

    Raises
    ------
    InferenceError
        If it has z elsewhere, or its planes are channels. An axis of any other name is taken for depth.
    """
    planes, name = stack.axes[: stack.plane_axes], stack.path or stack.name
    if "z" in planes[:-1]:
        raise InferenceError(
            f"{name}: objects in 3-D and volumes are made along the last axis before y, which is {planes[-1]} and not "
            f"z in {stack.axes}; bring the axes into the order {planes.replace('z', '')}z{stack.axes[len(planes) :]}"
        )
    if planes[-1] == "c":
        raise InferenceError(
            f"{name}: its planes are channels ({stack.axes}), and nothing goes on from one to the next; choose one of "
            "them, or, if they are slices, say so by the axes"
        )
