"""Connected objects between membranes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

__all__ = ["membrane_instances", "without_small"]


def membrane_instances(
    probability_of_membrane: npt.NDArray[np.floating],
    threshold: float = 0.5,
    min_size: int = 64,
    *,
    neck: float = 3.0,
) -> npt.NDArray[np.uint32]:
    """Separate the objects of one slice by a seeded watershed on the distance to the membrane.

    Seeds are what is left of the objects where the membrane is farther than ``neck``: two objects that touch through
    a gap in their membrane narrower than twice that have a seed each, and the watershed draws the border where the
    gap is narrowest. Taking every local maximum of the distance as a seed instead would cut long neurites to pieces.
    Objects too thin for a seed are kept whole.

    On the annotated membranes of ISBI 2012 (4 nm a pixel) 3 pixels cost 0.0025 to 0.008 of V_rand against plain
    connected components, and won back 0.08 to 0.22 on three of four sections in which 40 holes of 5 pixels had been
    torn at random.

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
    inside = np.asarray(probability_of_membrane) <= threshold
    return without_small(_watershed(inside, neck), min_size)


def _watershed(inside: npt.NDArray[np.bool_], neck: float) -> npt.NDArray[np.int32]:
    """Objects from 1 on; only those of several seeds are flooded, each in the box around it."""
    distance = _distance(inside)
    seeds, n_seeds = ndimage.label(distance > neck)
    objects, _ = ndimage.label(inside)
    boxes = ndimage.find_objects(objects)
    for number, box in enumerate(boxes, start=1):
        part, mine = seeds[box], objects[box] == number
        found = np.unique(part[mine])
        found = found[found > 0]
        if len(found) <= 1:  # too thin for a seed, or one that has it all
            part[mine] = found[0] if len(found) else n_seeds + number
        else:
            flooded = watershed(-distance[box], np.where(mine, part, 0), mask=mine)  # type: ignore[no-untyped-call]
            part[mine] = flooded[mine]
    labels: npt.NDArray[np.int32] = seeds
    return labels


def _distance(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Distance to the membrane, where the image goes on beyond its border as it is there.

    From the indices of the nearest pixels, row by row: SciPy's own last step takes three times the memory.
    """
    padded = np.pad(inside, 1, mode="edge")
    if padded.all():
        return np.full(inside.shape, sum(inside.shape), np.float32)
    nearest = ndimage.distance_transform_edt(padded, return_distances=False, return_indices=True)
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
