"""Mark where a prediction is wrong, slice by slice, in the worker."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_unets.jobs.tasks.evaluation import Candidate

__all__ = ["MarkedSlice", "mark_errors"]


@dataclass(frozen=True)
class MarkedSlice:
    """The errors of a slice.

    Attributes
    ----------
    index : tuple of int
        Which slice, along the axes before y.
    values : uint8 (y, x)
        See `napari_unets.metrics.SEGMENT_ERRORS` and `napari_unets.metrics.DOCUMENT_ERRORS`.
    done, total : int
        Slices.
    """

    index: tuple[int, ...]
    values: NDArray[np.uint8]
    done: int
    total: int


def mark_errors(
    candidate: Candidate,
    truth: Any,
    settings: Mapping[str, Any],
    *,
    threshold: float = 0.5,
    first: int = 0,
    cancel: Callable[[], bool] | None = None,
) -> Generator[MarkedSlice, None, None]:
    """Mark the errors of every slice. A job for `Worker.submit`.

    Parameters
    ----------
    candidate : Candidate
        The prediction.
    truth : array
        As for `evaluate`.
    settings : mapping
        Fields of `napari_unets.metrics.EvaluationSettings`.
    threshold : float
        Where probabilities (of what is not 0 in the truth) are cut.
    first : int
        Number of the slice to begin with: the one that the viewer shows.
    cancel : callable, optional
        True once the job is to end. Given by the worker.

    Yields
    ------
    MarkedSlice

    Raises
    ------
    MetricError
        Prediction and truth cannot be compared.
    """
    from napari_unets.metrics import Evaluation
    from napari_unets.metrics.error_layer import errors_of_slice
    from napari_unets.metrics.settings import make_settings

    evaluation = Evaluation(candidate.data, truth, settings=make_settings(None, **settings), **candidate.options)
    indices = list(np.ndindex(evaluation.shape[:-2]))
    for done, index in enumerate([*indices[first:], *indices[:first]]):
        if cancel is not None and cancel():
            return
        yield MarkedSlice(index, errors_of_slice(evaluation, index, threshold), done + 1, len(indices))
