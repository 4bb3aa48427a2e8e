"""What the tiling has to know of a network, found by asking the network itself."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

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

    def scaled(self, scale: Fraction) -> Geometry:
        """Sizes in pixels of an image that the network sees ``scale`` times as large.

        Windows then begin and end where pixels of the image and of what the network sees begin together, so that
        the values in between are the same in every window.

        Parameters
        ----------
        scale : Fraction
            Its denominator makes the stride longer.

        Raises
        ------
        ValueError
            If the network does not take multiples of its stride: those with unpadded convolutions do not.
        """
        if scale == 1:
            return self
        if self.margin or self.smallest % self.stride:
            raise ValueError(f"sizes of {self.smallest} and every {self.stride} more cannot be scaled")
        stride = self.stride * scale.denominator
        smallest = stride * ceil(Fraction(self.smallest, stride) / scale)
        # Resizing there and back looks at a pixel more on each side, of the coarser of both grids.
        halo = ceil(self.exact_halo / scale) + 2 * ceil(max(Fraction(1), 1 / scale)) + 2
        return Geometry(stride, smallest, 0, halo)

    def side(self, pixels: int) -> int:
        """Smallest admissible side of at least so many pixels."""
        return self.smallest + -(-max(0, pixels - self.smallest) // self.stride) * self.stride

    def below(self, pixels: int) -> int:
        """Largest multiple of the stride that is not larger than ``pixels``."""
        return pixels // self.stride * self.stride
