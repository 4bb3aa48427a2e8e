"""The modular cascade: small U-Nets of one image-processing task each, one after the other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from napari_unets.networks.base import Network
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.geometry import Span
from napari_unets.networks.registry import create_network, register
from napari_unets.networks.u_shaped import UShaped

__all__ = ["ModularCascade"]


@register
class ModularCascade(Network):
    """An ordered list of modules, glued by skip connections, with a head for the target at the end.

    Each module is a network of its own: trained alone, on plenty of ordinary images, to do what one classical
    operator does. In the cascade each takes the image that the one before it makes. The inter-module skip
    connections ("glue") add the features that leave a module's decoder, level by level, through a 1×1
    convolution, to those of the next module's encoder at the same scale. The head takes the last module's finest
    features and its image, and gives the target's logits. All of it is then fine-tuned as a whole.

    Parameters
    ----------
    in_channels, out_channels : int
        See :class:`~napari_unets.networks.Network`.
    modules : sequence of str or mapping
        The modules in their order, any number of any kind, repeated or not. A name ("otsu") stands for a U-Net of
        the default size below. A mapping gives a module's own network instead: ``task`` (its name, for people),
        ``network`` (a U-shaped one of the registry, "unet" unless told) and further settings of that network, such
        as ``width`` or its own ``in_channels``; so it can be made to fit the weights of any model in the store.
        The part of the paper at hand gives no order. In the default one erosion comes before dilation, which
        together keep dark strokes while the reverse would wipe thin ones out, and the edges, which say least of an
        image, come last.
    skips : bool
        Without them the modules only hand images on (the paper's variant "without skip connections").
    head : {"last", "all"}
        Whose finest features the head takes beside the last image: those of the last module, or of all of them.
        The latter is not in the paper. It gives every module a short way to the target, by which the cascade learns
        faster: what one module's image leaves out must not all come through the glue.
    network : str
        What the modules that are given by name are: "unet", or "fusionnet", whose stages are residual blocks (the
        stacked residual U-Nets that the paper names as related work).
    width, depth : int
        Size of the modules that are given by name.

    Notes
    -----
    A module's image is the sigmoid of its logits, 0 … 1, like photographs and pages that are normalised by their
    type's range (``normalisation`` "range" on a model's card), which it takes itself. An image of one channel is
    repeated for a module that takes more, and channels are averaged for one that takes one.

    The glue starts from zero, so that the modules begin in the cascade exactly as they were trained alone, and
    :meth:`load_module` takes the weights of one trained alone as they are.

    Parameters: 2,454,415 with the five default modules and one channel in and out: 486,529 of each module, 21,760
    of the glue, 10 of the head. The part of the paper at hand gives neither widths nor a number of parameters.

    The receptive fields of the modules add up (less what their poolings share): 491 pixels to each side by default.

    References
    ----------
    .. [1] S. Kang, B. K. Iwana, S. Uchida: "Cascading Modular U-Nets for Document Image Binarization", ICDAR 2019.
    """

    name: ClassVar[str] = "modular-cascade"
    paper: ClassVar[str] = "Kang, Iwana, Uchida: Cascading modular U-Nets for document image binarization (2019)"

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        modules: Sequence[str | Mapping[str, Any]] = (
            "histogram-equalisation",
            "erosion",
            "dilation",
            "otsu",
            "canny",
        ),
        skips: bool = True,
        head: Literal["last", "all"] = "last",
        network: str = "unet",
        width: int = 8,
        depth: int = 4,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            modules=[module if isinstance(module, str) else dict(module) for module in modules],
            skips=skips,
            head=head,
            network=network,
            width=width,
            depth=depth,
        )
        if not modules:
            raise NetworkSettingsError("modular-cascade needs at least one module")
        if head not in ("last", "all"):
            raise NetworkSettingsError(f"modular-cascade's head is 'last' or 'all', not {head!r}")
        default: dict[str, Any] = {"network": network, "width": width, "depth": depth, "batch_norm": True}
        if network == "unet":
            default["dropout"] = 0.0
        #: What each module does, in their order.
        self.tasks: list[str] = []
        self.stages = nn.ModuleList()
        for module in modules:
            settings: dict[str, Any] = {"task": module, **default} if isinstance(module, str) else dict(module)
            self.tasks.append(settings.pop("task", settings.get("network", "unet")))
            settings = {"network": "unet", "in_channels": in_channels, "out_channels": 1, **settings}
            self.stages.append(_module(self.tasks[-1], settings))
        self._check_images()
        self.glue = nn.ModuleList(_Glue(before, after) for before, after in pairwise(self.modules_in_order) if skips)
        self.head_takes_all = head == "all"
        last = self.modules_in_order[-1]
        sources = self.modules_in_order if self.head_takes_all else [last]
        widths = [module.level_widths[0] for module in sources]
        self.head = nn.Conv2d(sum(widths) + last.out_channels, out_channels, 1)

    @property
    def modules_in_order(self) -> list[UShaped]:
        """The modules, each a network that also works alone."""
        return [stage for stage in self.stages if isinstance(stage, UShaped)]

    @property
    def stride(self) -> int:
        """Height and width must be a multiple of this many pixels."""
        return math.lcm(*(module.stride for module in self.modules_in_order))

    def input_span(self, first: int, last: int) -> Span:
        """First and last input pixel, along one axis, that the output pixels ``first`` to ``last`` depend on."""
        # The glue enters half-way down a module and leaves half-way up the one before: it sees less than the images.
        for module in reversed(self.modules_in_order):
            first, last = module.input_span(first, last)
        return first, last

    def load_module(self, position: int, weights: Mapping[str, Tensor]) -> None:
        """Give one module the weights of a model that was trained alone.

        Parameters
        ----------
        position : int
            Which module, from 0.
        weights : mapping of str to Tensor
            State dictionary of a network with the module's settings.

        Raises
        ------
        NetworkSettingsError
            If there is no such module, or if the weights are of a network of another kind or size.
        """
        if not 0 <= position < len(self.tasks):
            raise NetworkSettingsError(f"the cascade has modules 0 to {len(self.tasks) - 1}, not {position}")
        try:
            self.stages[position].load_state_dict(weights)
        except RuntimeError as error:
            raise NetworkSettingsError(
                f"these weights do not fit module {position} ({self.tasks[position]}), "
                f"which was made with {self.modules_in_order[position].config}: {error}"
            ) from error

    @staticmethod
    def image_of(logits: Tensor) -> Tensor:
        """Make the image, 0 … 1, that one module hands to the next."""
        return torch.sigmoid(logits)

    def logits(self, x: Tensor) -> Tensor:
        """Logits of the same height and width as the image."""
        glue: list[Tensor] = []
        features: list[Tensor] = []
        finest: list[Tensor] = []
        for position, module in enumerate(self.modules_in_order):
            features = module.decoder_features(_with_channels(x, module.in_channels), glue)
            x = self.image_of(module.head(features[0]))
            if position < len(self.glue):
                glue = self.glue[position](features)
            finest = [*finest, features[0]] if self.head_takes_all else features[:1]
        result: Tensor = self.head(torch.cat([*finest, x], dim=1))
        return result

    def _check_images(self) -> None:
        """Raise unless each module can take the image that comes to it."""
        channels, source = self.in_channels, "the cascade's image"
        for task, module in zip(self.tasks, self.modules_in_order, strict=True):
            if module.in_channels not in (1, channels) and channels != 1:
                raise NetworkSettingsError(
                    f"module {task!r} takes {module.in_channels} channels, but {source} has {channels}; "
                    f"only one channel can become several, or several one"
                )
            channels, source = module.out_channels, f"what module {task!r} makes"


def _module(task: str, settings: dict[str, Any]) -> UShaped:
    network = create_network(**{"name" if key == "network" else key: value for key, value in settings.items()})
    if not isinstance(network, UShaped) or network.margin:
        raise NetworkSettingsError(f"module {task!r} is not a padded U-shaped network: {network.name} {network.config}")
    return network


class _Glue(nn.Module):
    """From the decoder levels of a module to the encoder levels of the next, as far as both go."""

    def __init__(self, before: UShaped, after: UShaped) -> None:
        super().__init__()
        widths = zip(before.level_widths, after.level_widths, strict=False)
        self.links = nn.ModuleList(nn.Conv2d(a, b, 1, bias=False) for a, b in widths)
        for link in self.links:
            nn.init.zeros_(cast("nn.Conv2d", link).weight)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        return [link(level) for link, level in zip(self.links, features[: len(self.links)], strict=True)]


def _with_channels(x: Tensor, channels: int) -> Tensor:
    if x.shape[1] == channels:
        return x
    return x.mean(dim=1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1, -1)
