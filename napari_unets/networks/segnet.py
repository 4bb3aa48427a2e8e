"""SegNet: an autoencoder that unpools to where the maxima were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from napari_unets.networks.base import Network
from napari_unets.networks.blocks import ConvUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.geometry import Span, before_convolution, before_pooling, before_unpooling
from napari_unets.networks.registry import register
from napari_unets.networks.unpooling import max_pool_with_places, max_unpool

__all__ = ["SegNet"]


@register
class SegNet(Network):
    """SegNet: the convolutions of VGG16, mirrored; the decoder unpools with the encoder's pooling indices.

    No features cross from the encoder to the decoder, only where each 2×2 maximum came from. Every convolution is
    3×3 with batch normalisation and ReLU, but for the last, which gives the logits (Figures 2 and 3 of the paper).

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`. The paper has 3 and 11.
    widths : sequence of int
        Feature maps of each level, the finest first (VGG16's 64, 128, 256, 512, 512).
    convolutions : sequence of int
        Convolutions of each level on either side, the finest first (VGG16's 2, 2, 3, 3, 3).

    Notes
    -----
    Parameters: 29,441,419 with three channels in and eleven out; 29,434,497 with one and one. The paper gives
    14.7 M for the encoder, which here has 14,718,912 (three channels in), and says nothing of the whole.

    A decoder stage narrows in its last convolution, as the authors' published network does. With ``n`` the
    convolutions and ``s = 1, 2, 4 …`` the scale of each level the receptive field's radius is at most
    ``2 Σ n s + 2**levels - 1`` pixels: 211 for the paper's settings.

    References
    ----------
    .. [1] V. Badrinarayanan, A. Kendall, R. Cipolla: "SegNet: A Deep Convolutional Encoder-Decoder Architecture
       for Image Segmentation", 2015, arXiv:1511.00561.
    """

    name: ClassVar[str] = "segnet"
    paper: ClassVar[str] = (
        "Badrinarayanan, Kendall, Cipolla: SegNet: a deep convolutional encoder-decoder architecture for image "
        "segmentation (2015)"
    )

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        convolutions: Sequence[int] = (2, 2, 3, 3, 3),
    ) -> None:
        super().__init__(in_channels, out_channels, widths=list(widths), convolutions=list(convolutions))
        if not widths or len(widths) != len(convolutions) or min(*widths, *convolutions) < 1:
            raise NetworkSettingsError(
                f"segnet needs as many widths as convolutions, each at least 1, "
                f"not {list(widths)} and {list(convolutions)}"
            )
        self.convolutions = list(convolutions)
        self.encoder = nn.ModuleList()
        self.decoder = nn.ModuleList()  # the finest first, like the encoder
        before = in_channels
        for level, (width, count) in enumerate(zip(widths, convolutions, strict=True)):
            inner = [width] * (count - 1)
            self.encoder.append(_stage([before, *inner, width]))
            # The last convolution of the finest level is the head.
            self.decoder.append(_stage([width, *inner, before] if level else [width, *inner]))
            before = width
        self.head = nn.Conv2d(widths[0], out_channels, 3, padding=1)

    @property
    def stride(self) -> int:
        """Height and width must be a multiple of this many pixels."""
        return int(2 ** len(self.convolutions))

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` can depend on."""
        span = (first, last)
        for count in self.convolutions:
            span = before_unpooling(before_convolution(span, count))
        for count in reversed(self.convolutions):
            span = before_convolution(before_pooling(span), count)
        return span

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the same height and width as the image."""
        remembered = []
        for stage in self.encoder:
            x, places = max_pool_with_places(stage(x))
            remembered.append(places)
        for stage in reversed(self.decoder):
            x = stage(max_unpool(x, remembered.pop()))
        result: Tensor = self.head(x)
        return result


def _stage(widths: Sequence[int]) -> nn.Sequential:
    return nn.Sequential(*(ConvUnit(a, b) for a, b in pairwise(widths)))
