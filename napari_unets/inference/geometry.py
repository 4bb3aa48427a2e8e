"""What the tiling has to know of a network, found by asking the network itself."""

from __future__ import annotations

from dataclasses import dataclass

from napari_unets.networks import Network

__all__ = ["Geometry"]


@dataclass(frozen=True)
class Geometry:
    """Sizes that a network takes, in pixels of its *result*.

    Attributes
    ----------
    stride : int
        Admissible sizes are ``smallest``, ``smallest + stride``, …, and a window gives what the whole image
        gives only if it starts at a multiple of ``stride``.
    smallest : int
        The smallest admissible side.
    margin : int
        What unpadded convolutions eat on each side: a result of ``n`` pixels takes ``n + 2 * margin``.
    exact_halo : int
        Distance from a window's edge, from which on its result is that of the whole image.
    """

    stride: int
    smallest: int
    margin: int
    exact_halo: int

    @classmethod
    def of(cls, network: Network) -> Geometry:
        """Geometry of a network."""
        margin = network.margin
        smallest = network.next_valid_size(1 + 2 * margin) - 2 * margin
        return cls(network.stride, smallest, margin, max(0, network.receptive_field_radius - margin))

    def side(self, pixels: int) -> int:
        """Smallest admissible side of at least so many pixels."""
        return self.smallest + -(-max(0, pixels - self.smallest) // self.stride) * self.stride

    def below(self, pixels: int) -> int:
        """Largest multiple of the stride that is not larger than ``pixels``."""
        return pixels // self.stride * self.stride
