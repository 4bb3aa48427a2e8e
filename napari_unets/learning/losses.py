"""Losses that leave out what is not annotated."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor

from napari_unets.errors import NapariUnetsError
from napari_unets.learning.border_weights import border_weights

__all__ = ["Loss", "UnknownLossError", "create_loss", "loss_names"]

#: Takes logits ``(n, 1 or classes, h, w)`` and class ids ``(n, h, w)`` with 0 = not annotated; gives a scalar.
#: Instead of class ids, an image ``(n, h, w)`` of real numbers, 0 … 1, says what a network of one output shall make.
Loss = Callable[[Tensor, Tensor], Tensor]


class UnknownLossError(NapariUnetsError):
    """A name that no loss has."""


def _targets(logits: Tensor, annotations: Tensor) -> tuple[Tensor, Tensor]:
    """One target plane an output channel (class 1, 2, …) and the mask of annotated pixels."""
    if annotations.is_floating_point():
        return annotations.unsqueeze(1), torch.ones_like(annotations).unsqueeze(1)
    classes = torch.arange(1, logits.shape[1] + 1, device=annotations.device).reshape(1, -1, 1, 1)
    target = (annotations.unsqueeze(1) == classes).to(logits.dtype)
    return target, (annotations != 0).unsqueeze(1).to(logits.dtype)


def _probabilities(logits: Tensor) -> Tensor:
    return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, 1)


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    mask = mask.expand_as(values)
    return (values * mask).sum() / mask.sum().clamp_min(1)


def _cross_entropies(logits: Tensor, target: Tensor) -> Tensor:
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return -(target * F.log_softmax(logits, 1)).sum(1, keepdim=True)


def _smoothed(target: Tensor, annotations: Tensor, smoothing: float) -> Tensor:
    """Give every class a share of each pixel (Szegedy et al., 2016): a few strokes do not make anything certain."""
    if not smoothing or annotations.is_floating_point():
        return target
    return target * (1 - smoothing) + smoothing / max(target.shape[1], 2)


def cross_entropy(logits: Tensor, annotations: Tensor, smoothing: float = 0.0) -> Tensor:
    """Binary cross-entropy (one output channel) or cross-entropy over the classes, a mean over annotated pixels."""
    target, mask = _targets(logits, annotations)
    return _mean(_cross_entropies(logits, _smoothed(target, annotations, smoothing)), mask)


def border_cross_entropy(logits: Tensor, annotations: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy with the weights of the U-Net paper: the borders between touching cells (class 2) count most."""
    weights = np.stack([border_weights(plane) for plane in annotations.cpu().numpy()])
    target, mask = _targets(logits, annotations)
    target = _smoothed(target, annotations, smoothing)
    return _mean(_cross_entropies(logits, target), mask * torch.from_numpy(weights).to(mask).unsqueeze(1))


def mean_squared_error(logits: Tensor, annotations: Tensor) -> Tensor:
    """Mean squared error of the probabilities over annotated pixels (the SF-Net thesis, section 4.1)."""
    target, mask = _targets(logits, annotations)
    return _mean((_probabilities(logits) - target) ** 2, mask)


def soft_dice(logits: Tensor, annotations: Tensor) -> Tensor:
    """1 − Dice of the probabilities over annotated pixels, a mean over the classes (Milletari et al., 2016)."""
    target, mask = _targets(logits, annotations)
    p = _probabilities(logits) * mask
    target = target * mask
    overlap = (p * target).sum((0, 2, 3))
    total = p.sum((0, 2, 3)) + target.sum((0, 2, 3))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()


_LOSSES: dict[str, Loss] = {
    "bce": cross_entropy,
    "border": border_cross_entropy,
    "mse": mean_squared_error,
    "dice": soft_dice,
}
#: Those that take label smoothing.
_SMOOTHED: dict[str, Callable[..., Tensor]] = {"bce": cross_entropy, "border": border_cross_entropy}


def loss_names() -> list[str]:
    """Names that :func:`create_loss` takes; they can be added, as in ``"bce+dice"``."""
    return list(_LOSSES)


def create_loss(name: str, smoothing: float = 0.0) -> Loss:
    """Loss by name, or the sum of several: ``"bce"``, ``"bce+dice"``.

    Parameters
    ----------
    name : str
        One of :func:`loss_names`, or a sum of them.
    smoothing : float
        Label smoothing of the cross-entropies, 0 to 1: the share of each pixel that is spread over all classes.

    Raises
    ------
    UnknownLossError
        If a part of the name is none of :func:`loss_names`.
    """
    parts = [part.strip() for part in name.split("+")]
    for part in parts:
        if part not in _LOSSES:
            raise UnknownLossError(f"there is no loss {part!r}; the losses are {', '.join(_LOSSES)} and their sums")

    chosen = [partial(_SMOOTHED[part], smoothing=smoothing) if part in _SMOOTHED else _LOSSES[part] for part in parts]

    def loss(logits: Tensor, annotations: Tensor) -> Tensor:
        return torch.stack([one(logits, annotations) for one in chosen]).sum()

    return loss
