"""Which input pixels an output pixel sees, along one axis, layer by layer from the output backwards.

Each function takes the first and the last position that are needed of a layer's result and returns the first
and the last that are needed of its input. Composed over a network they give its receptive field exactly, with
the position inside the pooling cells accounted for, without running it.
"""

from __future__ import annotations

__all__ = ["Span", "before_convolution", "before_deconvolution", "before_pooling", "before_u", "before_unpooling"]

#: First and last position that is needed.
Span = tuple[int, int]


def before_convolution(span: Span, radius: int) -> Span:
    """Input of padded convolutions that together reach ``radius`` positions to each side."""
    return span[0] - radius, span[1] + radius


def before_pooling(span: Span, offset: int = 0) -> Span:
    """Input of a pooling by 2 whose cell ``k`` is the pair of positions ``2k + offset`` and the next."""
    return 2 * span[0] + offset, 2 * span[1] + 1 + offset


def before_unpooling(span: Span, offset: int = 0) -> Span:
    """Input of a doubling that makes positions ``2k + offset`` and the next of position ``k``."""
    return (span[0] - offset) // 2, (span[1] - offset) // 2


def before_deconvolution(span: Span, kernel: int, stride: int, padding: int) -> Span:
    """Input of a transposed convolution: position ``i`` reaches ``stride * i - padding`` and ``kernel - 1`` more."""
    return -((kernel - 1 - span[0] - padding) // stride), (span[1] + padding) // stride


def before_u(span: Span, depth: int, radius: int, offset: int = 0) -> Span:
    """Input of a U: ``depth`` poolings, stages of a given radius at each scale down, at the bottom and up again.

    The skip connections see less than the way through the bottom does. ``offset`` is that of the pooling cells:
    the stage's radius where the convolutions are unpadded, otherwise 0.
    """
    for _ in range(depth):
        span = before_unpooling(before_convolution(span, radius), offset)
    span = before_convolution(span, radius)
    for _ in range(depth):
        span = before_convolution(before_pooling(span, offset), radius)
    return span
