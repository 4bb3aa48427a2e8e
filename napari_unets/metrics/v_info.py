"""V_info, the information score of segments after border thinning."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from napari_unets.metrics.curve import ISBI_THRESHOLDS, ScoreCurve
from napari_unets.metrics.segment_curve import segment_curve

__all__ = ["v_info"]


def v_info(
    prediction: ArrayLike,
    truth: ArrayLike,
    *,
    thresholds: Sequence[float] = ISBI_THRESHOLDS,
    mask: ArrayLike | None = None,
    volume: bool = False,
    threads: int | None = None,
) -> ScoreCurve:
    """V_info of a stack, every slice scored on its own, at every threshold.

    Parameters are those of `v_rand`, which has the same segments.

    Returns
    -------
    ScoreCurve
        ``.score``, ``.threshold``, ``.split`` and ``.merge``, ``.values`` over the thresholds, ``.per_slice``.
    """
    options = {"thresholds": thresholds, "mask": mask, "volume": volume, "threads": threads}
    return segment_curve("v_info", prediction, truth, **options)
