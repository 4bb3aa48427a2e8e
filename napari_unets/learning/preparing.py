"""An annotated stack made ready to be learnt from: its statistics, what is kept aside, and the parts that are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_unets.images import Statistics, compute_statistics, prepare_plane
from napari_unets.images.collectors import Moments
from napari_unets.learning.adapting import spread_crops
from napari_unets.learning.annotations import AnnotatedStack, Split, split_annotations
from napari_unets.learning.samples import AnnotatedPlane
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.validation import HeldOutPlanes, scoring_settings
from napari_unets.models import ModelCard
from napari_unets.networks import Network

__all__ = ["PreparedStack", "crops_of", "held_out_planes", "mean_scores", "prepare"]

#: Side of the squares that planes are read in.
_SQUARE = 512


@dataclass(frozen=True)
class PreparedStack:
    """An annotated stack as a run uses it.

    Attributes
    ----------
    source : AnnotatedStack
        Image and annotations.
    statistics : Statistics
        By which its grey values are normalised.
    split : Split
        Annotations to learn from and to validate on.
    planes : list of AnnotatedPlane
        The former with the image around them, normalised.
    """

    source: AnnotatedStack
    statistics: Statistics
    split: Split
    planes: list[AnnotatedPlane]


def prepare(source: AnnotatedStack, card: ModelCard, settings: FitSettings) -> PreparedStack:
    """Read what patches around the annotations can reach, and keep some of the annotations aside.

    Parameters
    ----------
    source : AnnotatedStack
        Image and annotations.
    card : ModelCard
        Of the model that is to learn: its channels, and how images are normalised for it.
    settings : FitSettings
        ``patch``, ``augment`` and ``seed``.
    """
    stack, how = source.stack, card.normalisation
    luminance = stack.is_rgb and card.in_channels == 1
    statistics = compute_statistics(stack, how.method, low=how.low, high=how.high, luminance=luminance)
    split = split_annotations(source.planes, seed=settings.seed)
    planes = [_around_annotations(source, n, ids, card, statistics, settings) for n, ids in split.training.items()]
    return PreparedStack(source, statistics, split, planes)


def _around_annotations(
    source: AnnotatedStack,
    number: int,
    ids: npt.NDArray[np.uint8],
    card: ModelCard,
    statistics: Statistics,
    settings: FitSettings,
) -> AnnotatedPlane:
    """Read only the part of a plane that patches around its annotations can reach."""
    reach = round(1.5 * settings.patch * settings.augment.max_zoom)
    window = []
    for axis in (0, 1):
        where = np.flatnonzero(ids.any(1 - axis))
        window.append(slice(max(0, int(where[0]) - reach), int(where[-1]) + 1 + reach))
    cut = (window[0], window[1])
    image = np.zeros((card.in_channels, *ids[cut].shape), np.float32)  # takes memory where it is written to only
    values = Moments()
    for rows, columns in _within_reach(ids[cut], reach):
        place = tuple(slice(w.start + p.start, w.start + p.stop) for w, p in zip(cut, (rows, columns), strict=True))
        part = prepare_plane(source.stack.plane(number, (place[0], place[1])), card.in_channels, statistics)
        image[:, rows, columns] = part
        values.add(part)
    if card.normalisation.method == "zscore":
        return AnnotatedPlane(image, ids[cut])
    mean, deviation = values.result()
    return AnnotatedPlane(image, ids[cut], mean, deviation or 1.0)


def _within_reach(ids: npt.NDArray[np.uint8], reach: int) -> Iterator[tuple[slice, slice]]:
    """Cut out what lies within reach of anything annotated, and not what lies between strokes far apart."""
    height, width = ids.shape
    tops, lefts = range(0, height, _SQUARE), range(0, width, _SQUARE)
    painted = np.array([[ids[y : y + _SQUARE, x : x + _SQUARE].any() for x in lefts] for y in tops])
    near = ndimage.binary_dilation(painted, np.ones((3, 3)), iterations=ceil(reach / _SQUARE))
    for top, row in zip(tops, near, strict=True):
        runs, count = ndimage.label(row)
        for (run,) in ndimage.find_objects(runs, count):
            yield (
                slice(top, min(top + _SQUARE, height)),
                slice(run.start * _SQUARE, min(run.stop * _SQUARE, width)),
            )


def crops_of(prepared: Sequence[PreparedStack], network: Network) -> list[npt.NDArray[np.float32]]:
    """Cut normalised parts ``(channels, height, width)`` that the network takes out of the stacks, annotated or not."""
    parts = ((one.source.stack, one.statistics, one.split.training) for one in prepared)
    return [crop for part in parts for crop in spread_crops(network, *part)]


def held_out_planes(prepared: Sequence[PreparedStack], card: ModelCard, device: str) -> list[HeldOutPlanes]:
    """Return what scores a network on the annotations that are kept aside, one of each stack that has any."""
    settings = scoring_settings(device)
    return [
        HeldOutPlanes(card, one.source.stack, one.split.validation, one.statistics, settings)
        for one in prepared
        if one.split.validation
    ]


def mean_scores(held_out: Sequence[HeldOutPlanes]) -> Callable[[Network], dict[str, float]] | None:
    """Return what gives a network's scores, the mean over the stacks; None without annotations kept aside."""
    if not held_out:
        return None

    def validate(network: Network) -> dict[str, float]:
        scores = [part(network) for part in held_out]
        return {key: float(np.mean([s[key] for s in scores])) for key in scores[0] if all(key in s for s in scores)}

    return validate
