"""Where a tuned model decides for which class, by the annotations that it has not learnt from."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from napari_unets.learning.annotations import annotated_density
from napari_unets.learning.prevalence import class_shares, mean_probabilities, share_of_first
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.networks import Network

__all__ = ["adjusted_to_frequencies", "choose_threshold", "dice_at_thresholds", "raised_for", "threshold_for"]

_THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(2, 19))
#: Share of what is annotated, where anything is, from which on annotations are like the image around them.
_DENSE = 0.5
#: Of Bayes' rule.
_PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: What a share of wrong pixels says by chance, of strokes; and the share of a class that may be lost to it.
_SLACK = 0.02
_LOST = 0.1


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
        probabilities, ids = _annotated(network, held_out)
        return threshold_for(float(mean_probabilities(network, crops())[0]), probabilities[0], ids) or default
    dice = dice_at_thresholds(network, held_out)
    best = [t for t, value in zip(_THRESHOLDS, dice, strict=True) if value >= dice.max() - 1e-6]
    return min(best, key=lambda t: abs(t - 0.5))


def adjusted_to_frequencies(
    network: Network,
    held_out: Sequence[HeldOutPlanes],
    kept_aside: Sequence[npt.NDArray[np.uint8]],
    crops: Callable[[], Sequence[npt.NDArray[np.float32]]],
) -> Network:
    """Make a network of three classes and more, which strokes have taught as much of each, find what is there of each.

    What :func:`choose_threshold` does for two classes. There is no threshold between more, so the logits of rare
    classes are lowered, those of common ones raised, by :func:`raised_for`.

    Parameters
    ----------
    network : Network
        Has learnt from annotations; in eval mode. It stays as it is.
    held_out, kept_aside, crops
        As for :func:`choose_threshold`.

    Returns
    -------
    Network
        A copy; the same network if it has one output, if slices or boxes are annotated whole, and where the strokes
        that were kept aside cannot say.
    """
    if network.out_channels == 1 or not held_out or annotated_density(kept_aside) >= _DENSE:
        return network
    by = raised_for(mean_probabilities(network, crops()), *_annotated(network, held_out))
    if by is None:
        return network
    changed = copy.deepcopy(network)
    changed.raise_logits(torch.from_numpy(by))
    return changed


def _annotated(
    network: Network, held_out: Sequence[HeldOutPlanes]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Probabilities ``(classes, pixels)`` and class ids ``(pixels,)`` of what is annotated on all stacks."""
    probabilities, ids = zip(*(part.annotated(network) for part in held_out), strict=True)
    return np.concatenate(probabilities, 1), np.concatenate(ids)


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
    good = [t for t, errors in wrong.items() if errors <= min(wrong.values()) + _slack(share, 1 - share)]
    return min(good, key=lambda t: abs(t - bayes))


def raised_for(
    means: npt.NDArray[np.floating], probabilities: npt.NDArray[np.floating], ids: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64] | None:
    """By how much to raise the logits of a network that has learnt from as much of each class.

    Bayes' rule for the shares of the classes in the image, as in :func:`threshold_for`; as much of it as is right on
    nearly as many of the annotated pixels as any, counted as often as their classes are in the image.

    Parameters
    ----------
    means : ndarray, shape (classes,)
        Mean probabilities over the image.
    probabilities : ndarray, shape (classes, pixels)
        Of annotated pixels that the network has not learnt from.
    ids : ndarray, shape (pixels,)
        Their classes, 1 and up.

    Returns
    -------
    ndarray or None, shape (classes,)
        None if it cannot be told: of a class nothing was kept aside, or the network hardly tells some apart.
    """
    classes = range(1, len(probabilities) + 1)
    if not all((ids == c).any() for c in classes):
        return None
    of_classes = np.stack([probabilities[:, ids == c].mean(1, dtype=np.float64) for c in classes])
    shares = class_shares(means, of_classes)
    if shares is None:
        return None
    bayes = np.log(shares / of_classes.mean(0))
    logs = np.log(np.maximum(probabilities, 1e-7))

    def wrong(part: float) -> float:
        chosen = (logs + part * bayes[:, None]).argmax(0) + 1
        return float(sum(share * (chosen[ids == c] != c).mean() for c, share in zip(classes, shares, strict=True)))

    errors = {part: wrong(part) for part in _PARTS}
    largest = max(part for part, value in errors.items() if value <= min(errors.values()) + _slack(*shares))
    result: npt.NDArray[np.float64] = largest * bayes
    return result


def _slack(*shares: float) -> float:
    """How many more wrong pixels are as good as none: of a rare class, never nearly all that there are."""
    return min(_SLACK, _LOST * min(shares))
