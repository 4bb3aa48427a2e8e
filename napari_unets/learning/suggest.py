"""Where to paint next: the parts of a stack that a model is least sure of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_unets.images import Stack, as_stack
from napari_unets.inference import Cancelled, iter_tiles
from napari_unets.learning.doubt import PlaneUncertainty
from napari_unets.learning.sparse import SparseAnnotations

if TYPE_CHECKING:
    from napari_unets.images import Statistics
    from napari_unets.inference import Predictor
    from napari_unets.models import Model

__all__ = ["iter_uncertainty", "uncertainty"]

_SMALLEST = 1e-6
_Floats = npt.NDArray[np.float32]


def iter_uncertainty(
    model: Model,
    stack: Stack,
    predictor: Predictor,
    *,
    statistics: Statistics,
    annotations: SparseAnnotations | None = None,
    planes: Sequence[int] | None = None,
    spot: int = 96,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[PlaneUncertainty]:
    """Look at planes one by one, each as it is and mirrored along y and along x.

    Parameters
    ----------
    model : Model
        Whose doubts are wanted.
    stack : Stack
        The image; one plane of it is in memory at a time.
    predictor : Predictor
        Made of the model.
    statistics : Statistics
        Of the whole stack.
    annotations : SparseAnnotations, optional
        What is annotated counts for nothing, and no spot is suggested on it.
    planes : sequence of int, optional
        Which planes; see :func:`spread_planes`. All by default.
    spot : int
        Side of a spot in pixels.
    cancel : callable, optional
        True ends it.

    Yields
    ------
    PlaneUncertainty
    """
    numbers = range(stack.n_planes) if planes is None else planes
    for done, number in enumerate(numbers, start=1):
        image = stack.plane(number)
        try:
            views = [
                _restored(_probabilities(model, view(image), stack.is_rgb, predictor, statistics, cancel), view)
                for view in (_as_it_is, _upside_down, _mirrored)
            ]
        except Cancelled:
            return
        doubt = uncertainty(np.stack(views))
        painted = annotations.by_plane.get(number) if annotations is not None else None
        free = np.ones(doubt.shape, bool) if painted is None else painted == 0
        where, spot_score = _spot(doubt, free, spot)
        score = float(doubt[free].mean()) if free.any() else 0.0
        annotated = painted is not None and bool(painted.any())
        yield PlaneUncertainty(number, score, where, spot_score, annotated, done, len(numbers))


def uncertainty(probabilities: _Floats) -> _Floats:
    """Uncertainty of each pixel, in bits, from several predictions of it.

    The entropy of the mean prediction, plus how much of it is disagreement: the mutual information between
    the pixel's class and the way the image was seen [1]_. So a pixel on which the views contradict each other
    comes before one on which they agree that it is doubtful, as many borders are for good.

    Parameters
    ----------
    probabilities : ndarray, shape (views, y, x) or (views, classes, y, x)
        Of class 1, or of each class.

    Returns
    -------
    ndarray of float32, shape (y, x)

    References
    ----------
    .. [1] N. Houlsby, F. Huszár, Z. Ghahramani, M. Lengyel, Bayesian Active Learning for Classification and
       Preference Learning, 2011.
    """
    p = np.stack([probabilities, 1 - probabilities], axis=1) if probabilities.ndim == 3 else probabilities
    whole = _entropy(p.mean(axis=0), axis=0)
    disagreement = whole - _entropy(p, axis=1).mean(axis=0)
    total: _Floats = (whole + disagreement).astype(np.float32)
    return total


def _as_it_is(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return plane


def _upside_down(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return plane[::-1]


def _mirrored(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return plane[:, ::-1]


def _restored(probabilities: _Floats, view: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> _Floats:
    """Put a prediction ``(y, x)`` or ``(classes, y, x)`` of a mirrored plane back; every view is its own inverse."""
    if probabilities.ndim == 2:
        return view(probabilities)
    return np.stack([view(one) for one in probabilities])


def _probabilities(
    model: Model,
    plane: npt.NDArray[Any],
    rgb: bool,
    predictor: Predictor,
    statistics: Statistics,
    cancel: Callable[[], bool] | None,
) -> _Floats:
    image = as_stack(np.ascontiguousarray(plane), rgb=rgb)
    classes = model.card.out_channels
    shape = image.plane_shape if classes == 1 else (classes, *image.plane_shape)
    result = np.zeros(shape, np.float32)
    for tile in iter_tiles(model, image, predictor=predictor, statistics=statistics, cancel=cancel):
        result[..., tile.y, tile.x] = tile.probabilities
    return result


def _entropy(p: _Floats, axis: int) -> _Floats:
    q = np.clip(p, _SMALLEST, 1)
    entropy: _Floats = -(q * np.log2(q)).sum(axis=axis)
    return entropy


def _spot(doubt: _Floats, free: npt.NDArray[np.bool_], side: int) -> tuple[tuple[slice, slice] | None, float]:
    """Square of the highest mean doubt that holds no annotated pixel."""
    height, width = (min(side, n) for n in doubt.shape)
    means = ndimage.uniform_filter(doubt, (height, width), mode="constant")
    painted = ndimage.maximum_filter((~free).astype(np.uint8), (height, width), mode="constant")
    top, left = height // 2, width // 2
    inside = (slice(top, top + doubt.shape[0] - height + 1), slice(left, left + doubt.shape[1] - width + 1))
    allowed = np.where(painted[inside] == 0, means[inside], -1.0)
    y, x = np.unravel_index(int(allowed.argmax()), allowed.shape)
    if allowed[y, x] < 0:
        return None, 0.0
    return (slice(int(y), int(y) + height), slice(int(x), int(x) + width)), float(allowed[y, x])
