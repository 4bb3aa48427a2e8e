"""SF-Net: a FusionNet whose feature maps never get wider than 64."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from napari_unets.networks.blocks import ConvUnit, ResidualBlock, UpUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.registry import register
from napari_unets.networks.u_shaped import UShaped

__all__ = ["SFNet"]


class _Stage(nn.Sequential):
    """conv + res + conv + conv1 of Table 3.1."""

    def __init__(self, in_channels: int, width: int, narrow: int) -> None:
        super().__init__(
            ConvUnit(in_channels, width), ResidualBlock(width), ConvUnit(width, width), ConvUnit(width, narrow, 1)
        )


@register
class SFNet(UShaped):
    """SF-Net: residual stages of a fixed width, squeezed by 1×1 convolutions, concatenated skips.

    Four times down and up; each stage is a 3×3 convolution to ``width`` channels, a residual block of
    three, another 3×3 convolution, and a 1×1 convolution to ``narrow`` channels, all with batch
    normalisation and ReLU. What leaves the 1×1 convolution goes both to the max-pooling and, across the
    U, to the stage that has the same size (Table 3.1 and Figure 3.1 of the thesis).

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`.
    width : int
        Feature maps inside a stage (64 in the thesis).
    narrow : int
        Feature maps between stages (32 in the thesis).
    depth : int
        Number of poolings (4 in the thesis).

    Notes
    -----
    Parameters: 1,590,305 with one channel in and out; the thesis says 1.6 M (Table 4.3). It does not give
    the kernel of the deconvolutions: with 3×3 instead of the 2×2 here they would be 20,480 more. The
    "deconv" of Table 3.1's bridge is read as "conv": Figure 3.1 and the unchanged size (40 × 40) leave
    nothing else.

    The receptive field's radius is ``5 (3 s - 2) + s - 1`` pixels with ``s = 2**depth``: five 3×3 convolutions a
    stage, down, at the bottom and up, and the place in the pooling cells. 245 with the thesis' settings.

    References
    ----------
    .. [1] "SF-Net" master's thesis, 2019 (student number 2017-22461): Table 3.1, Figure 3.1.
    """

    name: ClassVar[str] = "sf-net"
    paper: ClassVar[str] = "SF network thesis: image segmentation with fewer parameters, Table 3.1"
    stage_radius = 5

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, *, width: int = 64, narrow: int = 32, depth: int = 4
    ) -> None:
        super().__init__(in_channels, out_channels, width=width, narrow=narrow, depth=depth)
        if min(width, narrow, depth) < 1:
            raise NetworkSettingsError("sf-net needs width, narrow and depth of at least 1")
        self.depth = depth
        self.level_widths = [narrow] * depth
        self.down = nn.ModuleList(_Stage(in_channels if i == 0 else narrow, width, narrow) for i in range(depth))
        self.pool = nn.MaxPool2d(2)
        self.bridge = _Stage(narrow, width, narrow)
        self.up = nn.ModuleList(UpUnit(narrow, narrow) for _ in range(depth))
        self.merge = nn.ModuleList(_Stage(2 * narrow, width, narrow) for _ in range(depth))
        self.head = nn.Conv2d(narrow, out_channels, 1)
