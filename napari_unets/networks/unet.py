"""U-Net: a contracting path, an expanding path, and copies across."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from napari_unets.networks.blocks import ConvUnit, UpUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.filters import DerivativeFilters
from napari_unets.networks.geometry import Span, before_convolution
from napari_unets.networks.registry import register
from napari_unets.networks.u_shaped import UShaped

__all__ = ["UNet"]


class _Stage(nn.Sequential):
    """Two 3×3 convolutions, and dropout where the paper has it."""

    def __init__(self, in_channels: int, width: int, *, batch_norm: bool, valid: bool, dropout: float = 0.0) -> None:
        padding = 0 if valid else 1
        super().__init__(
            ConvUnit(in_channels, width, batch_norm=batch_norm, padding=padding),
            ConvUnit(width, width, batch_norm=batch_norm, padding=padding),
            *([nn.Dropout(dropout)] if dropout else []),
        )


@register
class UNet(UShaped):
    """U-Net: pairs of 3×3 convolutions, widths that double at each pooling, concatenated skip connections.

    Two 3×3 convolutions with ReLU, then 2×2 max-pooling, ``depth`` times; two at the bottom; then ``depth``
    times a 2×2 up-convolution that halves the features, concatenation with the features from across the U,
    and two 3×3 convolutions; a 1×1 convolution gives the logits (Figure 1 of the paper).

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`. The paper has 1 and 2.
    width : int
        Feature maps of the finest level (64 in the paper: 64, 128, 256, 512, 1024).
    depth : int
        Number of poolings (4 in the paper).
    padding : {"same", "valid"}
        "same" keeps the size. "valid" is the paper's: unpadded convolutions, skip connections cropped, and a
        result that is smaller by :attr:`margin` (92 pixels) on each side; 572² pixels give 388².
    batch_norm : bool
        Normalise after each convolution. The paper does not.
    dropout : float
        Probability at the end of the contracting path, which is the last level before the bottom, and the bottom
        (the paper gives no figure; its authors' published network has 0.5).
    filter_scales : sequence of float
        In pixels; the network is then given what pixel classifiers look at, beside the image:
        :class:`~napari_unets.networks.filters.DerivativeFilters` of these scales. The paper's has none. It is for
        learning from little: a few strokes teach random weights what a membrane looks like, but not a faint one.

    Notes
    -----
    Parameters: 31,030,658 with one channel in and two out, as the paper's Figure 1 has it; 31,030,593 with one
    out, and 31,037,441 with batch normalisation as well. The paper itself gives no number. The SF-Net thesis says
    25 M (Table 4.3) without saying of which U-Net; no reading of Figure 1 gives that, since its 3×3 convolutions
    alone are 28.2 M. The nearest variants are one convolution instead of two at the bottom together with 3×3
    up-convolutions (25.1 M), and summed skip connections with 1×1 up-convolutions (25.8 M).

    The receptive field's radius is ``2 (3 s - 2) + s - 1`` pixels with ``s = 2**depth``: 107 with four poolings.
    Filters widen it by three times their largest scale, to 131 for scales of 1, 2, 4 and 8 pixels, and the first
    convolution by four channels a scale (31,046,657 parameters with batch normalisation).

    References
    ----------
    .. [1] O. Ronneberger, P. Fischer, T. Brox: "U-Net: Convolutional Networks for Biomedical Image
       Segmentation", MICCAI 2015, arXiv:1505.04597.
    """

    name: ClassVar[str] = "unet"
    paper: ClassVar[str] = (
        "Ronneberger, Fischer, Brox: U-Net: convolutional networks for biomedical image segmentation (2015), Figure 1"
    )
    stage_radius = 2

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        width: int = 64,
        depth: int = 4,
        padding: Literal["same", "valid"] = "same",
        batch_norm: bool = False,
        dropout: float = 0.5,
        filter_scales: Sequence[float] = (),
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            width=width,
            depth=depth,
            padding=padding,
            batch_norm=batch_norm,
            dropout=dropout,
            filter_scales=list(filter_scales),
        )
        if min(width, depth) < 1:
            raise NetworkSettingsError("unet needs width and depth of at least 1")
        if padding not in ("same", "valid"):
            raise NetworkSettingsError(f"unet's padding is 'same' or 'valid', not {padding!r}")
        if not 0 <= dropout < 1:
            raise NetworkSettingsError(f"unet's dropout is a probability from 0 to below 1, not {dropout}")
        if filter_scales and padding == "valid":
            raise NetworkSettingsError("unet's filter_scales are for padding 'same'")
        self.depth = depth
        self.valid = padding == "valid"
        self.cell_offset = self.stage_radius if self.valid else 0
        widths = self.level_widths = [width * 2**level for level in range(depth)]

        self.filters = DerivativeFilters(in_channels, filter_scales) if filter_scales else None
        channels = in_channels if self.filters is None else self.filters.out_channels

        def stage(features: int, out: int, p: float = 0.0) -> _Stage:
            return _Stage(features, out, batch_norm=batch_norm, valid=self.valid, dropout=p)

        self.down = nn.ModuleList(
            stage(widths[level - 1] if level else channels, w, dropout if level == depth - 1 else 0.0)
            for level, w in enumerate(widths)
        )
        self.pool = nn.MaxPool2d(2)
        self.bridge = stage(widths[-1], 2 * widths[-1], dropout)
        self.up = nn.ModuleList(UpUnit(2 * w, w, batch_norm=batch_norm) for w in reversed(widths))
        self.merge = nn.ModuleList(stage(2 * w, w) for w in reversed(widths))
        self.head = nn.Conv2d(width, out_channels, 1)

    def _crop(self, level: int) -> int:
        """Pixels of a level that its skip connection is larger by, on each side, than what comes from below."""
        # A stage loses its radius going down and again going up; each doubling doubles what was lost below it.
        crop = 2 * self.stage_radius
        for _ in range(self.depth - 1 - level):
            crop = 2 * (crop + 2 * self.stage_radius)
        return crop

    @property
    def margin(self) -> int:
        """Pixels that the result is smaller by on each side: 0, or 92 for the paper's unpadded network."""
        return self._crop(0) + 2 * self.stage_radius if self.valid else 0

    def next_valid_size(self, size: int) -> int:
        """Smallest height or width of at least ``size`` pixels that the network takes.

        Unpadded, each pooling must find an even size and something must be left at the end: the sizes are
        188, 204, 220 … for four poolings, the paper's 572 among them.
        """
        if not self.valid:
            return super().next_valid_size(size)
        lost = 2 * self.stage_radius * (self.stride - 1)  # by the stages on the way down, in pixels of the image
        smallest = max(size, 2 * self.margin + 1)
        return -(-(smallest - lost) // self.stride) * self.stride + lost

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        span = super().input_span(first, last)
        return span if self.filters is None else before_convolution(span, self.filters.radius)

    def decoder_features(self, x: Tensor, glue: Sequence[Tensor] = ()) -> list[Tensor]:
        """Features that leave the stages on the way up, one tensor a level, the finest first; see the base class."""
        return super().decoder_features(x if self.filters is None else self.filters(x), glue)

    def join(self, x: Tensor, skip: Tensor, level: int) -> Tensor:
        """Concatenate; an unpadded network crops the skip connection's border first."""
        if self.valid:
            crop = self._crop(level)
            skip = skip[..., crop:-crop, crop:-crop]
        return torch.cat([x, skip], dim=1)
