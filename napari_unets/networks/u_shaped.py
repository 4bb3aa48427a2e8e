"""The U that U-Net, FusionNet and SF-Net are variants of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_unets.networks.base import Network
from napari_unets.networks.geometry import Span, before_u

__all__ = ["UShaped"]


class UShaped(Network):
    """Stages down with 2×2 max-pooling between, a bridge, and stages up with skip connections across.

    A subclass fills the parts below, in its own widths, and may change how a skip connection joins
    (:meth:`join`; they are concatenated here).

    Attributes
    ----------
    down : nn.ModuleList
        A stage a level, the finest first.
    bridge : nn.Module
        The stage at the bottom.
    up : nn.ModuleList
        What doubles the size, the coarsest first.
    merge : nn.ModuleList
        The stage after each joined skip connection, the coarsest first.
    head : nn.Module
        From the finest features to logits, pixel by pixel.
    level_widths : list[int]
        Feature maps that leave the stages of each level, down and up alike, the finest first.
    stage_radius : int
        Pixels that the convolutions of one stage reach to each side.
    cell_offset : int
        Where the pooling cells of a level begin in that level's input (not 0 if stages are unpadded).
    """

    down: nn.ModuleList
    pool: nn.MaxPool2d
    bridge: nn.Module
    up: nn.ModuleList
    merge: nn.ModuleList
    head: nn.Module
    level_widths: list[int]
    stage_radius: int
    cell_offset: int = 0

    @property
    def stride(self) -> int:
        """Valid heights and widths are this many pixels apart; without a margin they are its multiples."""
        return int(2 ** len(self.level_widths))

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        return before_u((first, last), len(self.level_widths), self.stage_radius, self.cell_offset)

    def join(self, x: Tensor, skip: Tensor, level: int) -> Tensor:  # noqa: ARG002  (cropping needs the level)
        """Bring a skip connection and the features from below together."""
        return torch.cat([x, skip], dim=1)

    def decoder_features(self, x: Tensor, glue: Sequence[Tensor] = ()) -> list[Tensor]:
        """Features that leave the stages on the way up, one tensor a level, the finest first.

        Parameters
        ----------
        x : Tensor
            Images ``(batch, in_channels, height, width)``.
        glue : sequence of Tensor
            Added to what leaves the stages on the way down, one tensor a level, the finest first; levels
            beyond its length get none. :class:`~napari_unets.networks.ModularCascade` hands another network's
            features over in this way.
        """
        skips: list[Tensor] = []
        for level, stage in enumerate(self.down):
            x = stage(x)
            if level < len(glue):
                x = x + glue[level]
            skips.append(x)
            x = self.pool(x)
        x = self.bridge(x)
        features: list[Tensor] = []
        for up, merge in zip(self.up, self.merge, strict=True):
            skip = skips.pop()  # popped, so that it is freed as soon as it has been used
            x = merge(self.join(up(x), skip, len(skips)))
            features.insert(0, x)
        return features

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the same height and width as the image (less the margin)."""
        result: Tensor = self.head(self.decoder_features(x)[0])
        return result
