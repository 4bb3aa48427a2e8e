"""What a tuned network gets besides what it learns: the stacks' statistics, and a share of what it began with.

Each is asked for its Dice on what was kept aside, and taken only if that does not speak against it.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from napari_unets.learning.adapting import adapt_batch_norm
from napari_unets.learning.averaging import mixed
from napari_unets.learning.operating_point import dice_at_thresholds
from napari_unets.learning.preparing import PreparedStack, crops_of
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.networks import Network

__all__ = ["SLACK", "with_statistics_after", "with_statistics_before", "with_the_start"]

#: What Dice on a few held-out pixels may say against later weights, or other batch-norm statistics: as much as it says
#: by chance.
SLACK = 0.01
#: How much Dice on them may be lost to weights that have forgotten less.
_FORGETTING = 0.05


def with_statistics_before(
    network: Network, prepared: list[PreparedStack], validate: Callable[[Network], dict[str, float]] | None
) -> Network:
    """Return the network with the stacks' batch-norm statistics, or as it was if that is better."""
    adapted = _with_statistics_of(prepared, network)
    if validate is not None and validate(adapted)["dice"] < validate(network.eval())["dice"]:
        return network
    return adapted


def with_statistics_after(
    network: Network,
    prepared: list[PreparedStack],
    held_out: list[HeldOutPlanes],
    validate: Callable[[Network], dict[str, float]] | None,
) -> Network:
    """Exchange the statistics that training has left, those of *augmented* patches, unless Dice says clearly no.

    On whole sections it closes gaps in membranes that hardly any pixel of a stroke tells of (benchmarks/README.md).
    """
    adapted = _with_statistics_of(prepared, network)
    if validate is None:
        return adapted
    before, after = (
        validate(one)["dice"] if one.out_channels > 1 else max(dice_at_thresholds(one, held_out))
        for one in (network, adapted)
    )
    return adapted if after >= before - SLACK else network


def with_the_start(
    network: Network,
    weights: dict[str, Tensor],
    share: float,
    validate: Callable[[Network], dict[str, float]] | None,
) -> Network:
    """Give the weights that the run began with their share, unless Dice says that they were none for these images.

    Strokes show the middle of what they are painted on, and learning from them alone forgets the rest: letters become
    thick, for instance (benchmarks/README.md).
    """
    if validate is None:
        return network
    between = mixed(network, weights, share)
    return between if validate(between)["dice"] >= validate(network)["dice"] - _FORGETTING else network


def _with_statistics_of(prepared: list[PreparedStack], network: Network) -> Network:
    return adapt_batch_norm(network, crops_of(prepared, network))
