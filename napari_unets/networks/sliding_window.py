"""The sliding-window pixel classifier, evaluated at every pixel at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from napari_unets.networks.base import Network
from napari_unets.networks.errors import ImageSizeError, NetworkSettingsError
from napari_unets.networks.geometry import Span
from napari_unets.networks.registry import register

__all__ = ["SlidingWindow"]


@register
class SlidingWindow(Network):
    """A classifier of the window around each pixel: what came before fully convolutional networks.

    It classifies a pixel by the square window centred on it: four times a convolution and a 2×2 max-pooling, a
    fully connected layer, the output (network N4 of the paper: 95² window, 4×4, 5×5, 4×4 and 4×4 kernels, 48 maps
    each, 200 neurons). The winner of the ISBI 2012 challenge, and the baseline that U-Net was measured against.

    Window by window nearly everything is computed again for each pixel. Here every pooling keeps its
    resolution (stride 1) and what follows it is dilated by 2 instead, so that one pass over the image gives
    at each pixel what :meth:`classify_windows` gives for its window, at a hundredth of the work.

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`. The paper has 1 and 2.
    width : int
        Feature maps of the convolutions (48 in the paper).
    hidden : int
        Neurons of the fully connected layer (200 in the paper).
    kernels : sequence of int
        Sides of the convolutions' kernels, each of which a 2×2 pooling follows.
    final : int
        Side of the feature maps that the fully connected layer takes.
    padding : {"same", "valid"}
        "same" repeats the image's border pixels outwards, so that every pixel has a whole window; "valid" gives
        a result only for the pixels whose window lies in the image.

    Notes
    -----
    Parameters: 219,290 with one channel in and two out, as in the paper, which does not count them itself; 219,089
    with one and one. The activation is ReLU throughout. The paper mirrors the image at its border;
    here its last pixels are repeated, so that any size can be taken.

    The receptive field is the window: 47 pixels to each side.

    References
    ----------
    .. [1] D. C. Cireşan, A. Giusti, L. M. Gambardella, J. Schmidhuber: "Deep Neural Networks Segment Neuronal
       Membranes in Electron Microscopy Images", NIPS 2012.
    .. [2] A. Giusti, D. C. Cireşan, J. Masci, L. M. Gambardella, J. Schmidhuber: "Fast Image Scanning with Deep
       Max-Pooling Convolutional Neural Networks", 2013, arXiv:1302.1700.
    """

    name: ClassVar[str] = "sliding-window"
    paper: ClassVar[str] = (
        "Cireşan, Giusti, Gambardella, Schmidhuber: Deep neural networks segment neuronal membranes in electron "
        "microscopy images (2012), network N4"
    )

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        width: int = 48,
        hidden: int = 200,
        kernels: Sequence[int] = (4, 5, 4, 4),
        final: int = 3,
        padding: Literal["same", "valid"] = "same",
    ) -> None:
        super().__init__(
            in_channels, out_channels, width=width, hidden=hidden, kernels=list(kernels), final=final, padding=padding
        )
        if min(width, hidden, final, *kernels) < 1:
            raise NetworkSettingsError("sliding-window needs width, hidden, final and kernels of at least 1")
        if padding not in ("same", "valid"):
            raise NetworkSettingsError(f"sliding-window's padding is 'same' or 'valid', not {padding!r}")
        #: Side of the window that decides about a pixel.
        self.window = final
        for kernel in reversed(kernels):
            self.window = 2 * self.window + kernel - 1
        self.padded = padding == "same"
        if not self.padded and self.window % 2 == 0:
            raise NetworkSettingsError(
                f"sliding-window's window is {self.window} pixels with these kernels; without padding it must be odd"
            )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width if i else in_channels, width, kernel, dilation=2**i) for i, kernel in enumerate(kernels)
        )
        self.hidden = nn.Conv2d(width if kernels else in_channels, hidden, final, dilation=2 ** len(kernels))
        self.head = nn.Conv2d(hidden, out_channels, 1)

    @property
    def _reach(self) -> tuple[int, int]:
        """Pixels that the window has before and after the pixel it is for."""
        return self.window // 2, self.window - 1 - self.window // 2

    @property
    def margin(self) -> int:
        """Pixels that the result is smaller by on each side: 0, or half the window without padding."""
        return 0 if self.padded else self.window // 2

    def next_valid_size(self, size: int) -> int:
        """Smallest height or width of at least ``size`` pixels: any; without padding, at least a window."""
        return max(size, 1 if self.padded else self.window)

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        before, after = self._reach
        return first - before, last + after

    def logits(self, x: Tensor) -> Tensor:
        """Logits of every pixel (without padding, of every pixel whose window lies in the image)."""
        if self.padded:
            before, after = self._reach
            x = F.pad(x, (before, after, before, after), mode="replicate")
        for i, convolution in enumerate(self.convolutions):
            x = F.max_pool2d(F.relu(convolution(x)), 2, stride=1, dilation=2**i)
        result: Tensor = self.head(F.relu(self.hidden(x)))
        return result

    def classify_windows(self, windows: Tensor) -> Tensor:
        """Classify pixels by their windows, one by one, as the paper does.

        Parameters
        ----------
        windows : Tensor
            ``(n, in_channels, window, window)``, the pixel in question at ``window // 2``.

        Returns
        -------
        Tensor
            Logits ``(n, out_channels)``; the same as the dense result's at these pixels.

        Raises
        ------
        ImageSizeError
            If the windows have another shape.
        """
        expected = (self.in_channels, self.window, self.window)
        if windows.ndim != 4 or tuple(windows.shape[1:]) != expected:
            raise ImageSizeError(f"{self.name} takes windows of shape (n, *{expected}), not {tuple(windows.shape)}")
        x = windows
        for convolution in self.convolutions:
            layer = cast("nn.Conv2d", convolution)
            x = F.max_pool2d(F.relu(F.conv2d(x, layer.weight, layer.bias)), 2)
        x = F.relu(F.conv2d(x, self.hidden.weight, self.hidden.bias))
        result: Tensor = self.head(x).flatten(1)
        return result
