"""V_rand, the Rand score of segments after border thinning."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from napari_unets.metrics.curve import ISBI_THRESHOLDS, ScoreCurve
from napari_unets.metrics.segment_curve import segment_curve

__all__ = ["v_rand"]


def v_rand(
    prediction: ArrayLike,
    truth: ArrayLike,
    *,
    thresholds: Sequence[float] = ISBI_THRESHOLDS,
    alpha: float = 0.5,
    mask: ArrayLike | None = None,
    volume: bool = False,
    threads: int | None = None,
) -> ScoreCurve:
    """V_rand of a stack, every slice scored on its own, at every threshold.

    Parameters
    ----------
    prediction : array, (y, x) or (z, y, x)
        Floats: the probability of *cell* (not membrane). Integers with 0 and one other value, or bools: a mask of
        cells. Other integers: segment ids, used as they are; 0 is a line, of which each pixel is a segment.
    truth : array, same shape
        0 = membrane, one other value = cell; or segment ids.
    thresholds : sequence of float
        Used with probabilities only. Default: the 11 of the ISBI 2012 evaluation.
    alpha : float
        Weight between merge and split score; 0.5 is the measure of the challenge.
    mask : bool, same shape, optional
        True where pixels count.
    volume : bool
        Compare segments in 3-D (6-connected) and the stack as a whole, instead of slice by slice.
    threads : int, optional
        Default: the cores that this process may use.

    Returns
    -------
    ScoreCurve
        ``.score``, ``.threshold``, ``.split`` and ``.merge``, ``.values`` over the thresholds, ``.per_slice``.

    References
    ----------
    .. [1] Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics,
       Frontiers in Neuroanatomy 9:142, 2015.
    """
    options = {"thresholds": thresholds, "alpha": alpha, "mask": mask, "volume": volume, "threads": threads}
    return segment_curve("v_rand", prediction, truth, **options)
