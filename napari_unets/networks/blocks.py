"""Building blocks that several papers share."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["ConvUnit", "ResidualBlock", "ResidualStage", "UpUnit"]


class ConvUnit(nn.Sequential):
    """Convolution, then batch normalisation (optional), then ReLU, in that order.

    Parameters
    ----------
    in_channels, out_channels : int
        Feature widths.
    kernel_size : int
        Odd side of the kernel.
    batch_norm : bool
        Without it, the convolution has a bias of its own.
    padding : int or None
        None keeps the size ("same"); 0 is the unpadded ("valid") convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        batch_norm: bool = True,
        padding: int | None = None,
    ) -> None:
        padding = kernel_size // 2 if padding is None else padding
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=not batch_norm)
        ]
        if batch_norm:
            layers.append(nn.BatchNorm2d(out_channels))
        super().__init__(*layers, nn.ReLU(inplace=True))


class UpUnit(nn.Sequential):
    """Transposed 2×2 convolution of stride 2 (size doubles), batch normalisation (optional), ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, batch_norm: bool = True) -> None:
        layers: list[nn.Module] = [nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2, bias=not batch_norm)]
        if batch_norm:
            layers.append(nn.BatchNorm2d(out_channels))
        super().__init__(*layers, nn.ReLU(inplace=True))


class ResidualBlock(nn.Module):
    """Three convolution units and a short skip connection that is added to their result.

    The block of FusionNet (Quan, Hildebrand, Jeong, 2016) and of the SF-Net thesis (section 3.1).
    """

    def __init__(self, channels: int, *, batch_norm: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(*(ConvUnit(channels, channels, batch_norm=batch_norm) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` plus what the three units make of it; same shape."""
        result: Tensor = x + self.body(x)
        return result


class ResidualStage(nn.Sequential):
    """The "conv + res + conv" of the tables of FusionNet and SF-Net, all 3×3: five convolutions in a row."""

    def __init__(self, in_channels: int, channels: int, *, batch_norm: bool = True) -> None:
        super().__init__(
            ConvUnit(in_channels, channels, batch_norm=batch_norm),
            ResidualBlock(channels, batch_norm=batch_norm),
            ConvUnit(channels, channels, batch_norm=batch_norm),
        )
