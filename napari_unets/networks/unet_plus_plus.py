"""U-Net++: nested U-Nets of every depth in one."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from napari_unets.networks.base import Network
from napari_unets.networks.blocks import ConvUnit, UpUnit
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.geometry import Span, before_u
from napari_unets.networks.registry import register

__all__ = ["UNetPlusPlus"]


@register
class UNetPlusPlus(Network):
    r"""U-Net++: dense, nested skip connections, deep supervision, pruning at inference.

    Node :math:`X^{i,j}` (level ``i``, column ``j``) is two 3×3 convolutions with ReLU over the concatenation of
    every node to its left, :math:`X^{i,0} … X^{i,j-1}`, and the up-convolution of the node below to the left,
    :math:`X^{i+1,j-1}`. Column 0 is the contracting path. With deep supervision each :math:`X^{0,j}`, ``j`` from
    1 to ``depth``, has a 1×1 convolution of its own for logits.

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`.
    width : int
        Feature maps of the finest level (32 in the paper: 32, 64, 128, 256, 512).
    depth : int
        Number of poolings (4 in the paper, its L4).
    deep_supervision : bool
        Logits from every :math:`X^{0,j}` for the loss (:meth:`training_outputs`), which :meth:`pruned` needs;
        otherwise from the last one only.
    average : bool
        The paper's "accurate mode": the result is the mean of the logits of all columns. Otherwise ("fast
        mode") it is the last column's. Needs deep supervision.
    batch_norm : bool
        Normalise after each convolution. The 2018 paper's network does not.

    Notes
    -----
    Parameters: 9,041,601 with one channel in and out and without deep supervision, the 9.04 M of the paper's
    Table 3; 9,041,700 with it.

    The longest way through the nest is that of the U-Net of the same depth, and so is the receptive field:
    ``2 (3 s - 2) + s - 1`` pixels to each side with ``s = 2**depth``, 107 for four poolings.

    References
    ----------
    .. [1] Z. Zhou, M. M. R. Siddiquee, N. Tajbakhsh, J. Liang: "UNet++: A Nested U-Net Architecture for Medical
       Image Segmentation", DLMIA 2018, arXiv:1807.10165.
    """

    name: ClassVar[str] = "unet-plus-plus"
    paper: ClassVar[str] = (
        "Zhou, Siddiquee, Tajbakhsh, Liang: UNet++: a nested U-Net architecture for medical image segmentation (2018)"
    )

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        width: int = 32,
        depth: int = 4,
        deep_supervision: bool = True,
        average: bool = False,
        batch_norm: bool = False,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            width=width,
            depth=depth,
            deep_supervision=deep_supervision,
            average=average,
            batch_norm=batch_norm,
        )
        if min(width, depth) < 1:
            raise NetworkSettingsError("unet-plus-plus needs width and depth of at least 1")
        if average and not deep_supervision:
            raise NetworkSettingsError(
                "unet-plus-plus can only average over its columns with deep_supervision, which gives each its logits"
            )
        self.depth = depth
        self.average = average
        self.deep_supervision = deep_supervision
        widths = [width * 2**level for level in range(depth + 1)]

        def node(features: int, out: int) -> nn.Sequential:
            return nn.Sequential(
                ConvUnit(features, out, batch_norm=batch_norm), ConvUnit(out, out, batch_norm=batch_norm)
            )

        # Node "i_j" is X^{i,j}, and up "i_j" leads to it from below. A network of smaller depth has the same modules
        # under the same names, only fewer: that is what makes pruning a matter of leaving out.
        self.pool = nn.MaxPool2d(2)
        self.nodes = nn.ModuleDict()
        self.ups = nn.ModuleDict()
        for i, w in enumerate(widths):
            self.nodes[f"{i}_0"] = node(widths[i - 1] if i else in_channels, w)
            for j in range(1, depth - i + 1):
                self.ups[f"{i}_{j}"] = UpUnit(2 * w, w, batch_norm=batch_norm)
                self.nodes[f"{i}_{j}"] = node((j + 1) * w, w)
        columns = range(1, depth + 1) if deep_supervision else [depth]
        self.heads = nn.ModuleDict({str(j): nn.Conv2d(width, out_channels, 1) for j in columns})

    @property
    def stride(self) -> int:
        """Height and width must be a multiple of this many pixels."""
        return int(2**self.depth)

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        return before_u((first, last), self.depth, radius=2)

    def _columns(self, x: Tensor) -> list[Tensor]:
        """Nodes of the finest level, X^{0,0} to X^{0,depth}."""
        rows: list[list[Tensor]] = []  # rows[i] holds X^{i,0}, X^{i,1} … as far as they are known
        for i in range(self.depth + 1):
            x = self.nodes[f"{i}_0"](self.pool(x) if i else x)
            rows.append([x])
            # With the new X^{i,0} one more node of each row above can be had, going up the diagonal.
            for k in range(i - 1, -1, -1):
                j = i - k
                below = self.ups[f"{k}_{j}"](rows[k + 1][j - 1])
                rows[k].append(self.nodes[f"{k}_{j}"](torch.cat([*rows[k], below], dim=1)))
        return rows[0]

    def _outputs(self, x: Tensor) -> list[Tensor]:
        columns = self._columns(x)
        return [head(columns[int(j)]) for j, head in self.heads.items()]

    @property
    def output_layers(self) -> list[nn.Module]:
        """A head for each supervised column: the result is one's, or the mean of all."""
        return list(self.heads.values())

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the same height and width as the image: the last column's, or the mean of all."""
        if self.average:
            return torch.stack(self._outputs(x)).mean(dim=0)
        result: Tensor = self.heads[str(self.depth)](self._columns(x)[-1])
        return result

    def training_outputs(self, x: Tensor) -> list[Tensor]:
        """Logits of every supervised column, the shallowest first; the loss averages over them."""
        self.check_input(x)
        return self._outputs(x)

    def pruned(self, level: int) -> UNetPlusPlus:
        """Cut off all that columns beyond ``level`` need (the paper's L1 to L4).

        The result is a network of depth ``level`` with copies of these weights, which gives what column
        ``level`` of this one gives and computes nothing else; :meth:`training_outputs` on validation images
        tells which level is good enough.

        Parameters
        ----------
        level : int
            From 1 to :attr:`depth`.

        Raises
        ------
        NetworkSettingsError
            If there is no such level, or if the network has no deep supervision, so that only its last
            column ever learned to give logits.
        """
        if not 1 <= level <= self.depth:
            raise NetworkSettingsError(
                f"unet-plus-plus of depth {self.depth} has levels 1 to {self.depth}, not {level}"
            )
        if level < self.depth and not self.deep_supervision:
            raise NetworkSettingsError("only a unet-plus-plus with deep_supervision can be pruned")
        small = UNetPlusPlus(**{**self.config, "depth": level})
        mine = self.state_dict()
        small.load_state_dict({key: mine[key] for key in small.state_dict()})
        one = next(self.parameters())
        return small.to(one.device, one.dtype).train(self.training)
