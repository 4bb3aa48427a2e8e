"""More classes for a network that knows fewer."""

from __future__ import annotations

import torch

from napari_unets.networks import Network, create_network

__all__ = ["grow_head"]


@torch.no_grad()
def grow_head(network: Network, n_classes: int) -> Network:
    """Copy a network with a last layer for more classes; it goes on telling apart what it knew.

    A network with one output channel has the logit ``l`` of class 1 against class 2. Two channels
    ``(l / 2, -l / 2)`` have the same probabilities under a softmax. A new class starts with small random weights
    and a bias that makes it improbable, so the grown network begins with nearly the old segmentation.

    Parameters
    ----------
    network : Network
        A trained network; it stays as it is.
    n_classes : int
        Classes wanted; at least as many as the network knows.

    Returns
    -------
    Network
        The same weights but for the last layer.

    Raises
    ------
    ValueError
        If the network knows more classes than that.
    """
    old = max(network.out_channels, 2)
    if n_classes < old:
        raise ValueError(f"the network knows {old} classes, which do not fit into {n_classes}")
    if n_classes == old:
        return network
    grown = create_network(network.name, **(network.config | {"out_channels": n_classes}))
    weights = grown.state_dict()
    for key, value in network.state_dict().items():
        weights[key] = value if value.shape == weights[key].shape else _grown(value, weights[key], n_classes)
    grown.load_state_dict(weights)
    return grown.train(network.training)


#: Logit by which a class that was never seen starts behind the known ones.
_UNSEEN = -4.0


def _grown(old: torch.Tensor, fresh: torch.Tensor, n_classes: int) -> torch.Tensor:
    """Rows of a last layer's weight (or entries of its bias): the known ones, then the new ones."""
    known = torch.cat([old / 2, -old / 2]) if old.shape[0] == 1 else old
    rest = fresh[known.shape[0] : n_classes]
    if old.ndim == 1:
        return torch.cat([known, torch.full_like(rest, _UNSEEN)])
    return torch.cat([known, rest * 0.1])
