"""The axes of what is made of an image."""

from __future__ import annotations

from napari_unets.images import AxesError, Stack

__all__ = ["output_axes"]


def output_axes(stack: Stack, *, every_class: bool) -> str:
    """Name the axes of an output: those of the image without colour, and c for the classes where it has all.

    Parameters
    ----------
    stack : Stack
        The image.
    every_class : bool
        Whether the output holds the probabilities of several classes.

    Returns
    -------
    str
        One letter an axis; c comes first, or behind a first t, as OME has it.

    Raises
    ------
    AxesError
        If the image has channels, whose axis would have the name of that of the classes.
    """
    axes = stack.axes.removesuffix("s")
    if every_class and "c" in axes:
        raise AxesError(
            f"{stack.path or stack.name}: has channels ({stack.axes}), and no file holds the probabilities of several "
            "classes for each of them; save the channels one by one and run them so, or make class ids"
        )
    if not every_class:
        return axes
    return f"tc{axes[1:]}" if axes.startswith("t") else f"c{axes}"
