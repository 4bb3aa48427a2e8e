"""FCN-8s: VGG16 made fully convolutional, with two skip connections of scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from napari_unets.networks.base import Network
from napari_unets.networks.blocks import ConvUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.geometry import Span, before_convolution, before_deconvolution, before_pooling
from napari_unets.networks.registry import register

__all__ = ["FCN8s"]

_CONVOLUTIONS = (2, 2, 3, 3, 3)  # of VGG16, between its poolings


@register
class FCN8s(Network):
    """FCN-8s: scores of three scales of VGG16, upsampled and summed.

    VGG16's thirteen 3×3 convolutions with five poolings, its two fully connected layers as convolutions (7×7 and
    1×1, each with dropout), and 1×1 convolutions that score what the last of them and the third and fourth pooling
    give. The coarsest scores are upsampled twice and added to those of the fourth pooling, upsampled twice and
    added to those of the third, and upsampled eight times. The first two upsamplings start bilinear and learn,
    the last stays bilinear (section 4.2 and Figure 3 of the paper).

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`. The paper has 3 and 21.
    widths : sequence of int
        Feature maps between the poolings (VGG16's 64, 128, 256, 512, 512).
    hidden : int
        Feature maps of the two layers that were fully connected (VGG16's 4096).
    dropout : float
        Probability after each of these two (0.5 in the paper).
    batch_norm : bool
        Normalise after each convolution, which training from random weights all but needs. The paper started
        from VGG16's trained ones and does without.

    Notes
    -----
    Parameters: 134,376,863 that learn with three channels in and 21 out (the paper's Table 1: 134 M); 134,264,291
    with one and one.

    The receptive field's radius is 245 pixels: 202 of VGG16 and its 7×7 convolution, and the upsamplings' reach.

    The paper pads the image by 100 pixels, leaves the 7×7 convolution unpadded and crops each sum into place by
    hand-worked offsets, so that any size goes. Here everything is padded by what keeps the grids aligned (the
    7×7 by 3, the deconvolutions by half their stride): result and image have the same size, which must be a
    multiple of 32, and nothing is computed only to be cropped. In return the upsampled scores fade towards zero
    over the outermost four pixels, where the paper's have real neighbours; a halo around the tile hides that.

    The skip connections' scoring layers start from zero, so that training sets out from the coarse scores.

    References
    ----------
    .. [1] J. Long, E. Shelhamer, T. Darrell: "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015,
       arXiv:1411.4038.
    """

    name: ClassVar[str] = "fcn-8s"
    paper: ClassVar[str] = "Long, Shelhamer, Darrell: Fully convolutional networks for semantic segmentation (2015)"

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        hidden: int = 4096,
        dropout: float = 0.5,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, widths=list(widths), hidden=hidden, dropout=dropout, batch_norm=batch_norm
        )
        if len(widths) != len(_CONVOLUTIONS) or min(*widths, hidden) < 1:
            raise NetworkSettingsError(
                f"fcn-8s needs five widths and hidden of at least 1, not {list(widths)} and {hidden}"
            )
        if not 0 <= dropout < 1:
            raise NetworkSettingsError(f"fcn-8s' dropout is a probability from 0 to below 1, not {dropout}")
        before = in_channels
        self.stages = nn.ModuleList()
        for width, count in zip(widths, _CONVOLUTIONS, strict=True):
            channels = [before, *[width] * count]
            units = [ConvUnit(a, b, batch_norm=batch_norm) for a, b in pairwise(channels)]
            self.stages.append(nn.Sequential(*units, nn.MaxPool2d(2)))
            before = width
        self.classifier = nn.Sequential(
            ConvUnit(before, hidden, 7, batch_norm=batch_norm),
            nn.Dropout(dropout),
            ConvUnit(hidden, hidden, 1, batch_norm=batch_norm),
            nn.Dropout(dropout),
            nn.Conv2d(hidden, out_channels, 1),
        )
        self.score_pool4 = _zeroed(nn.Conv2d(widths[3], out_channels, 1))
        self.score_pool3 = _zeroed(nn.Conv2d(widths[2], out_channels, 1))
        self.upscore_2 = _bilinear(out_channels, 2)
        self.upscore_pool4 = _bilinear(out_channels, 2)
        self.upscore_8 = _bilinear(out_channels, 8).requires_grad_(False)

    @property
    def stride(self) -> int:
        """Height and width must be a multiple of this many pixels."""
        return 32

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        span = before_deconvolution((first, last), kernel=16, stride=8, padding=4)
        for _ in range(2):
            span = before_deconvolution(span, kernel=4, stride=2, padding=1)
        span = before_convolution(span, 3)
        for count in reversed(_CONVOLUTIONS):
            span = before_convolution(before_pooling(span), count)
        return span

    @property
    def output_layers(self) -> list[nn.Module]:
        """The finest scores: what is left between them and the logits only interpolates."""
        return [self.score_pool3]

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the same height and width as the image."""
        pooled = []
        for stage in self.stages:
            x = stage(x)
            pooled.append(x)
        x = self.upscore_2(self.classifier(x)) + self.score_pool4(pooled[3])
        x = self.upscore_pool4(x) + self.score_pool3(pooled[2])
        result: Tensor = self.upscore_8(x)
        return result


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _bilinear(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Transposed convolution that upsamples each channel bilinearly by an even factor."""
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False)
    ramp = 1 - (torch.arange(2 * factor) - (factor - 0.5)).abs() / factor
    with torch.no_grad():
        layer.weight.copy_(torch.eye(channels)[:, :, None, None] * torch.outer(ramp, ramp))
    return layer
