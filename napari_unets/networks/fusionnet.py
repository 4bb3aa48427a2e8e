"""FusionNet: a residual U whose skip connections are summed."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from napari_unets.networks.blocks import ResidualStage, UpUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.registry import register
from napari_unets.networks.u_shaped import UShaped

__all__ = ["FusionNet"]


@register
class FusionNet(UShaped):
    """FusionNet: residual stages, widths that double at each pooling, skip connections that are added.

    Each stage is a 3×3 convolution, a residual block of three and another 3×3 convolution, all with batch
    normalisation and ReLU. Going up, a 2×2 deconvolution halves the features, and what comes from across the U
    is added to it (Table 2.1 of the SF-Net thesis, after Table 1 of the paper).

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`.
    width : int
        Feature maps of the finest level (64 in the table: 64, 128, 256, 512, 1024).
    depth : int
        Number of poolings (4 in the table).
    batch_norm : bool
        Normalise after each convolution, as the paper does.

    Notes
    -----
    Parameters: 75,033,857 with one channel in and out; the thesis says 69 M (Table 4.3). The table gives widths but
    no kernels: with 2×2 deconvolutions, as in U-Net, it comes to 75.0 M, with 3×3 ones to 78.5 M, with two
    convolutions instead of three in every "res" to 59.3 M. Its 69 M are nearest (69.1 M) to 3×3 deconvolutions and
    a bridge of one convolution less, 9.4 M by itself; but the table and both texts give the bridge the same
    "conv+res+conv" as the rest, so that is what is built here. The output's "conv" is read as 1×1.

    The receptive field's radius is ``5 (3 s - 2) + s - 1`` pixels with ``s = 2**depth``: 245 for four poolings.

    References
    ----------
    .. [1] T. M. Quan, D. G. C. Hildebrand, W.-K. Jeong: "FusionNet: A deep fully residual convolutional neural
       network for image segmentation in connectomics", 2016, arXiv:1612.05360.
    .. [2] "SF-Net" master's thesis, 2019 (student number 2017-22461): Table 2.1.
    """

    name: ClassVar[str] = "fusionnet"
    paper: ClassVar[str] = (
        "Quan, Hildebrand, Jeong: FusionNet: a deep fully residual convolutional neural network for image "
        "segmentation in connectomics (2016), Table 1"
    )
    stage_radius = 5

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        width: int = 64,
        depth: int = 4,
        batch_norm: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, width=width, depth=depth, batch_norm=batch_norm)
        if min(width, depth) < 1:
            raise NetworkSettingsError("fusionnet needs width and depth of at least 1")
        self.depth = depth
        widths = self.level_widths = [width * 2**level for level in range(depth)]

        def stage(features: int, out: int) -> ResidualStage:
            return ResidualStage(features, out, batch_norm=batch_norm)

        self.down = nn.ModuleList(
            stage(widths[level - 1] if level else in_channels, w) for level, w in enumerate(widths)
        )
        self.pool = nn.MaxPool2d(2)
        self.bridge = stage(widths[-1], 2 * widths[-1])
        self.up = nn.ModuleList(UpUnit(2 * w, w, batch_norm=batch_norm) for w in reversed(widths))
        self.merge = nn.ModuleList(stage(w, w) for w in reversed(widths))
        self.head = nn.Conv2d(width, out_channels, 1)

    def join(self, x: Tensor, skip: Tensor, level: int) -> Tensor:  # noqa: ARG002
        """Add the skip connection ("merge" of the table)."""
        return x + skip
