"""How frequent the classes are where nothing is annotated, as against among what is painted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unets.networks import Network

__all__ = ["class_shares", "mean_probabilities", "painted_excess", "share_of_first"]

#: A network that tells the classes apart by less than this says nothing about how frequent they are.
_LEAST_CONTRAST = 0.2
#: A share stays between this and its complement: nothing is certain.
_EDGE = 0.02


def share_of_first(mean: float, of_first: float, of_second: float) -> float | None:
    """Estimate how much of an image is class 1.

    Parameters
    ----------
    mean : float
        Mean probability of class 1 over the image.
    of_first, of_second : float
        Its mean over annotated pixels of class 1 and of class 2 that the network has not learnt from.

    Returns
    -------
    float or None
        In [0.02, 0.98]; None if the network hardly tells the classes apart.

    References
    ----------
    .. [1] A. Bella, C. Ferri, J. Hernández-Orallo, M. J. Ramírez-Quintana: "Quantification via Probability
       Estimators", ICDM 2010 (scaled probability average).
    """
    if not of_first - of_second >= _LEAST_CONTRAST:
        return None
    return float(np.clip((mean - of_second) / (of_first - of_second), _EDGE, 1 - _EDGE))


def class_shares(
    means: npt.NDArray[np.floating], of_classes: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64] | None:
    """Estimate how much of an image is of each class: :func:`share_of_first` for any number of them.

    Parameters
    ----------
    means : ndarray, shape (classes,)
        Mean probabilities over the image.
    of_classes : ndarray, shape (classes, classes)
        In each row their means over annotated pixels of one class that the network has not learnt from.

    Returns
    -------
    ndarray or None, shape (classes,)
        0.02 at least each, and 1 together; None if the network hardly tells some of the classes apart.
    """
    if not np.isfinite(of_classes).all() or np.linalg.svd(of_classes, compute_uv=False)[-1] < _LEAST_CONTRAST:
        return None
    from scipy.optimize import nnls  # takes a quarter of a second to import

    found, _ = nnls(np.asarray(of_classes, np.float64).T, np.asarray(means, np.float64))
    shares = np.clip(found / found.sum(), _EDGE, None)
    result: npt.NDArray[np.float64] = shares / shares.sum()
    return result


@torch.no_grad()
def mean_probabilities(network: Network, crops: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    """Mean probability of each class over crops ``(channels, height, width)`` that the network takes."""
    device = next(network.parameters()).device
    means = []
    for crop in crops:
        logits = network(torch.from_numpy(crop)[None].to(device)).float()
        p = torch.softmax(logits, 1) if logits.shape[1] > 1 else torch.cat([logits, -logits], 1).sigmoid()
        means.append(p.mean((0, 2, 3)).double())
    result: npt.NDArray[np.float64] = torch.stack(means).mean(0).cpu().numpy()
    return result


@torch.no_grad()
def painted_excess(
    network: Network, crops: Iterable[npt.NDArray[np.float32]], patches: Tensor, annotations: Tensor
) -> float:
    """How much more frequent class 1 is in training patches than in the image, as a difference of log odds.

    Parameters
    ----------
    network : Network
        With one output, in eval mode. It has not learnt from the annotations.
    crops : iterable of ndarray
        Of the image, ``(channels, height, width)``, annotated or not.
    patches, annotations : Tensor
        ``(n, channels, h, w)`` and ``(n, h, w)``, as they are learnt from; 0 = not annotated.

    Returns
    -------
    float
        0 if it cannot be told.
    """
    device = next(network.parameters()).device
    probability = torch.sigmoid(network(patches.to(device)).float())[:, 0].cpu()
    if margin := network.margin:
        annotations = annotations[..., margin:-margin, margin:-margin]
    first, second = probability[annotations == 1], probability[annotations == 2]
    if not (first.numel() and second.numel()):
        return 0.0
    share = share_of_first(float(mean_probabilities(network, crops)[0]), float(first.mean()), float(second.mean()))
    return 0.0 if share is None else math.log(first.numel() / second.numel()) - math.log(share / (1 - share))
