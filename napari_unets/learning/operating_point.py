"""The threshold of a tuned model, by the annotations that it has not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from napari_unets.learning.annotations import annotated_density
from napari_unets.learning.prevalence import mean_of_first, share_of_first
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.networks import Network

__all__ = ["choose_threshold", "dice_at_thresholds", "threshold_for"]

_THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(2, 19))
#: Share of what is annotated, where anything is, from which on annotations are like the image around them.
_DENSE = 0.5
#: What a share of wrong pixels says by chance, of strokes.
_SLACK = 0.02


def choose_threshold(
    network: Network,
    held_out: Sequence[HeldOutPlanes],
    kept_aside: Sequence[npt.NDArray[np.uint8]],
    crops: Callable[[], Sequence[npt.NDArray[np.float32]]],
    default: float,
    *,
    has_learnt: bool = True,
) -> float:
    """Choose the threshold of a network of one output.

    Of slices and boxes that are annotated whole, what has the best Dice on them, the one nearest to 0.5 on ties. Of
    strokes, :func:`threshold_for` classes as frequent as they are in the stacks: what has the best Dice on a few
    strokes does worse on whole sections than no choice at all (benchmarks/threshold.py), for people paint as much of a
    rare class as of a common one, and nothing where it is hard to say.

    Parameters
    ----------
    network : Network
        Trained, in eval mode.
    held_out : sequence of HeldOutPlanes
        What was kept aside, a stack each.
    kept_aside : sequence of ndarray
        The annotations themselves, class ids ``(y, x)``.
    crops : callable
        Reads crops ``(channels, height, width)`` from all over the stacks.
    default : float
        For networks of several outputs, without held-out annotations, and where they cannot say.
    has_learnt : bool
        Whether it has learnt from the rest of the annotations. What has not does not take the classes for as frequent
        as they are among strokes, and these do not change its threshold.
    """
    if network.out_channels > 1 or not held_out:
        return default
    if annotated_density(kept_aside) < _DENSE:
        if not has_learnt:
            return default
        probabilities, ids = (np.concatenate(x) for x in zip(*(h.annotated(network) for h in held_out), strict=True))
        return threshold_for(mean_of_first(network, crops()), probabilities, ids) or default
    dice = dice_at_thresholds(network, held_out)
    best = [t for t, value in zip(_THRESHOLDS, dice, strict=True) if value >= dice.max() - 1e-6]
    return min(best, key=lambda t: abs(t - 0.5))


def dice_at_thresholds(network: Network, held_out: Sequence[HeldOutPlanes]) -> npt.NDArray[np.float64]:
    """Mean Dice over stacks and both classes at the thresholds 0.1, 0.15 … 0.9."""
    dice: npt.NDArray[np.float64] = np.mean([part.dice_at(network, _THRESHOLDS) for part in held_out], axis=0)
    return dice


def threshold_for(mean: float, probabilities: npt.NDArray[np.floating], ids: npt.NDArray[np.integer]) -> float | None:
    """Choose the threshold of a network that has learnt from as much of class 1 as of class 2.

    Its probabilities are those of a world in which both are equally frequent. Bayes' rule says above which of them
    class 1 is the likelier one in the image as it is [1]_; of the thresholds that are right on nearly as many of the
    annotated pixels as any, counted as often as their classes are in the image, this takes the nearest. A network that
    has not learnt for long is not sure of what it tells apart well, and would lose a class to Bayes' rule alone.

    Parameters
    ----------
    mean : float
        Mean probability of class 1 over the image.
    probabilities : ndarray
        Probabilities of class 1 of annotated pixels that the network has not learnt from.
    ids : ndarray
        Their classes, 1 or 2.

    Returns
    -------
    float or None
        None if it cannot be told: only one class was kept aside, or the network hardly tells them apart.

    References
    ----------
    .. [1] M. Saerens, P. Latinne, C. Decaestecker: "Adjusting the Outputs of a Classifier to New a Priori
       Probabilities", Neural Computation 14:21-41, 2002, equation 2.4.
    """
    first, second = probabilities[ids == 1], probabilities[ids == 2]
    if not (first.size and second.size):
        return None
    of_first, of_second = float(first.mean()), float(second.mean())
    share = share_of_first(mean, of_first, of_second)
    if share is None:
        return None
    learnt = (of_first + of_second) / 2  # the share that it finds where both classes are equally frequent
    odds = (1 - share) / share * learnt / (1 - learnt)
    bayes = round(odds / (1 + odds), 2)
    wrong = {
        t: share * float((first <= t).mean()) + (1 - share) * float((second > t).mean()) for t in (*_THRESHOLDS, bayes)
    }
    good = [t for t, errors in wrong.items() if errors <= min(wrong.values()) + _SLACK]
    return min(good, key=lambda t: abs(t - bayes))
