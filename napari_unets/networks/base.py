"""What every network has in common: its name, its geometry and its settings."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from napari_unets.networks.errors import ImageSizeError, NetworkSettingsError
from napari_unets.networks.geometry import Span

__all__ = ["Network"]


class Network(nn.Module):
    """Base class of the networks: images in, one logit a pixel and output channel out.

    A subclass documents its paper, sets :attr:`name` and :attr:`paper`, calls ``super().__init__`` with every
    keyword it was built from, and defines :meth:`logits` and :meth:`input_span`.

    Parameters
    ----------
    in_channels : int
        Channels of the image: 1 for grey, 3 for RGB.
    out_channels : int
        Channels of the result: 1 for two classes (a sigmoid's logit), otherwise one a class (softmax).
    **settings
        The other keywords that the subclass was built from; plain JSON values.
    """

    name: ClassVar[str]
    #: Authors, title, year of the source.
    paper: ClassVar[str]
    #: False for a formula: it is not trained, and computed in float32 or better whatever the settings say.
    has_weights: ClassVar[bool] = True

    def __init__(self, in_channels: int, out_channels: int, **settings: Any) -> None:
        super().__init__()
        for what, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels < 1:
                raise NetworkSettingsError(f"{what} is {channels}: a network needs at least one channel")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self._settings = settings

    @property
    def config(self) -> dict[str, Any]:
        """Keywords that build the same network again (``create_network(name, **config)``)."""
        return {"in_channels": self.in_channels, "out_channels": self.out_channels, **self._settings}

    @property
    def stride(self) -> int:
        """Valid heights and widths are this many pixels apart; without a margin they are its multiples."""
        return 1

    @property
    def margin(self) -> int:
        """Pixels that the result is smaller by on each side (0 unless convolutions are unpadded)."""
        return 0

    @property
    def receptive_field_radius(self) -> int:
        """The farthest (Chebyshev) distance, in pixels, from which an input pixel reaches an output pixel.

        It is the largest over the output pixels, which differ by where they lie in their pooling cells.
        """
        spans = [(pixel, self.input_span(pixel, pixel)) for pixel in range(self.stride)]
        return max(max(pixel - first, last - pixel) for pixel, (first, last) in spans)

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on.

        All four are coordinates of the input image (an unpadded network's result starts at :attr:`margin`),
        which is taken as going on endlessly: the span may end outside it.
        """
        raise NotImplementedError

    def logits(self, x: Tensor) -> Tensor:
        """Compute the logits of an image batch of admissible shape."""
        raise NotImplementedError

    def training_outputs(self, x: Tensor) -> list[Tensor]:
        """Every output that the training loss averages over: more than one under deep supervision."""
        return [self(x)]

    @property
    def output_layers(self) -> list[nn.Module]:
        """Layers whose bias adds to the logits, and to nothing else."""
        head = getattr(self, "head", None)
        return [] if head is None else [head]

    @torch.no_grad()
    def raise_logits(self, by: Tensor) -> None:
        """Add a constant to the logits of each output channel, for good.

        Parameters
        ----------
        by : Tensor, shape (out_channels,)
            What to add; negative values lower a class.
        """
        for layer in self.output_layers:
            bias = layer.bias
            assert isinstance(bias, Tensor)  # noqa: S101 - what makes logits has one in every network
            bias.add_(by.to(bias))

    def next_valid_size(self, size: int) -> int:
        """Smallest height or width of at least ``size`` pixels that the network takes."""
        return max(-(-size // self.stride), 1) * self.stride

    def check_size(self, height: int, width: int) -> None:
        """Raise :class:`ImageSizeError` naming the next valid size if this one is not."""
        valid = self.next_valid_size(height), self.next_valid_size(width)
        if (height, width) != valid:
            smallest = self.next_valid_size(1)
            rule = "are" if self.stride == 1 else f"are in steps of {self.stride} pixels"
            raise ImageSizeError(
                f"{self.name} cannot take an image of {height}×{width} pixels: its heights and widths {rule} "
                f"from {smallest} up; the next valid size is {valid[0]}×{valid[1]}"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of shape ``(batch, out_channels, height, width)`` (less ``2 * margin``)."""
        self.check_input(x)
        return self.logits(x)

    def check_input(self, x: Tensor) -> None:
        """Raise :class:`ImageSizeError` if a batch has not the shape that the network takes."""
        # While a graph is being captured the checks would only become guards; the caller has the shape in hand.
        if torch.compiler.is_compiling() or torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
            return
        if x.ndim != 4 or x.shape[1] != self.in_channels:
            raise ImageSizeError(
                f"{self.name} takes a batch of shape (n, {self.in_channels}, height, width), not {tuple(x.shape)}"
            )
        self.check_size(int(x.shape[2]), int(x.shape[3]))
