"""Numbers that people give as settings: refused by name before anything is computed."""

from __future__ import annotations

import numpy as np

from napari_unets.inference.errors import InferenceSettingError

__all__ = ["check_min_size", "check_threshold"]


def check_threshold(threshold: object) -> float:
    """Return a threshold if it is a probability.

    Raises
    ------
    InferenceSettingError
        If it is none, a word for instance.
    """
    if not _is_number(threshold) or not 0 <= threshold <= 1:  # type: ignore[operator]
        raise InferenceSettingError(f"the threshold is a probability between 0 and 1, not {threshold!r}")
    return float(threshold)  # type: ignore[arg-type]


def check_min_size(min_size: object) -> int:
    """Return a smallest size if it is a number of pixels.

    Raises
    ------
    InferenceSettingError
        If it is none.
    """
    if not _is_number(min_size) or not min_size >= 0:  # type: ignore[operator]
        raise InferenceSettingError(f"min_size is a number of pixels from 0 on, not {min_size!r}")
    return int(np.ceil(min_size))  # type: ignore[call-overload]


def _is_number(value: object) -> bool:
    """Whether it is one number, of Python or numpy."""
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf"  # type: ignore[arg-type]
