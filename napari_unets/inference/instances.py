"""Connected objects between membranes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy
import skimage

__all__ = ["membrane_instances", "without_small"]

#: Share of the threshold above which there may be a membrane: no place for a seed.
_DOUBT = 1 / 3


def membrane_instances(
    probability_of_membrane: npt.NDArray[np.floating],
    threshold: float = 0.5,
    min_size: int = 64,
    *,
    neck: float = 2.5,
) -> npt.NDArray[np.uint32]:
    """Separate the objects of one slice by a seeded watershed on the distance to the membrane.

    Seeds are where even a weak sign of a membrane, a third of the threshold, is farther than ``neck``: two objects that
    touch through a gap in their membrane have a seed each if the gap is narrower than twice that, or if the network
    saw something of a membrane in it. The watershed draws the border where the passage is narrowest. Taking every local
    maximum of the distance as a seed instead would cut long neurites to pieces. Objects without a seed, because they
    are too thin or nowhere sure, are kept whole.

    Where models are in doubt they leave gaps. Seeds below a third of the threshold, not just below it, raised V_rand of
    seven sections of ISBI 2012 with em-membranes, which has learnt them, from 0.915 to 0.932 (plain connected
    components: 0.861), and of six others with six models fine-tuned on strokes from 0.47 … 0.77 to 0.69 … 0.85. On the
    annotated membranes themselves ``neck`` costs 0.0001 to 0.0012 of V_rand against plain connected components, and
    wins back 0.035 to 0.36 on three of four sections in which 40 holes of 5 pixels had been torn at random (4 nm a
    pixel).

    Parameters
    ----------
    probability_of_membrane : ndarray, shape (y, x)
        In [0, 1].
    threshold : float
        Membrane is where the probability is above this.
    min_size : int
        Objects of fewer pixels are left out (0, as the membrane).
    neck : float
        Half the width, in pixels, of the widest gap in a membrane that is closed.

    Returns
    -------
    ndarray of uint32, shape (y, x)
        0 on the membrane, and the numbers 1 to n for the n objects.
    """
    membrane = np.asarray(probability_of_membrane)
    seeds, n_seeds = scipy.ndimage.label(_distance(membrane <= _DOUBT * threshold) > neck)
    return without_small(_flooded(membrane <= threshold, seeds, n_seeds), min_size)


def _flooded(inside: npt.NDArray[np.bool_], seeds: npt.NDArray[np.int32], n_seeds: int) -> npt.NDArray[np.int32]:
    """Objects from 1 on; only those of several seeds are flooded, each in the box around it."""
    objects, _ = scipy.ndimage.label(inside)
    for number, (rows, columns) in enumerate(scipy.ndimage.find_objects(objects), start=1):
        part, mine = seeds[rows, columns], objects[rows, columns] == number
        found = np.unique(part[mine])
        found = found[found > 0]
        if len(found) <= 1:  # no seed, or one that has it all
            part[mine] = found[0] if len(found) else n_seeds + number
        else:
            # The membrane that is nearest to an object touches its box from outside at most.
            y, x = max(0, rows.start - 1), max(0, columns.start - 1)
            distance = _distance(inside[y : rows.stop + 1, x : columns.stop + 1])
            distance = distance[rows.start - y :, columns.start - x :][: mine.shape[0], : mine.shape[1]]
            flooded = skimage.segmentation.watershed(-distance, np.where(mine, part, 0), mask=mine)  # type: ignore[no-untyped-call]
            part[mine] = flooded[mine]
    return seeds


def _distance(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Distance to the membrane, where the image goes on beyond its border as it is there.

    From the indices of the nearest pixels, row by row: SciPy's own last step takes three times the memory.
    """
    padded = np.pad(inside, 1, mode="edge")
    if padded.all():
        return np.full(inside.shape, sum(inside.shape), np.float32)
    nearest = scipy.ndimage.distance_transform_edt(padded, return_distances=False, return_indices=True)
    distance = np.empty(inside.shape, np.float32)
    columns = np.arange(1, inside.shape[1] + 1)
    for row in range(inside.shape[0]):
        y, x = nearest[:, row + 1, 1:-1]
        distance[row] = np.hypot(y - (row + 1), x - columns)
    return distance


def without_small(labels: npt.NDArray[np.integer], min_size: int) -> npt.NDArray[np.uint32]:
    """Leave out objects of fewer than ``min_size`` pixels, and number the others from 1 on."""
    sizes = np.bincount(labels.ravel())
    keep = sizes >= max(min_size, 1)
    keep[0] = False
    numbers = np.zeros(len(sizes), np.uint32)
    numbers[keep] = np.arange(1, np.count_nonzero(keep) + 1, dtype=np.uint32)
    result: npt.NDArray[np.uint32] = numbers[labels]
    return result
