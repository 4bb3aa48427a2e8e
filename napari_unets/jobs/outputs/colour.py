"""Colour pictures, and pages whose ink kept its colour, as they are scored: in grey, or black and white."""

from __future__ import annotations

from napari_unets.images.grey import as_grey
from napari_unets.images.stack import Stack
from napari_unets.jobs.outputs.record import METADATA_KEY

__all__ = ["grey_of"]


def grey_of(stack: Stack) -> Stack:
    """See colour as grey; of a clean page whose ink kept its colour, only white is paper.

    Parameters
    ----------
    stack : Stack
        Read when the result is.

    Returns
    -------
    Stack
        The same where there is neither.
    """
    made = stack.metadata.get(METADATA_KEY, {})
    return as_grey(stack, white_only=made.get("output") == "clean pages" and bool(made.get("colour")))
