"""Find out in the worker where to paint next."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.jobs.worker.kept import kept_predictor

if TYPE_CHECKING:
    from napari_unets.images import Statistics
    from napari_unets.learning import PlaneUncertainty, SparseAnnotations

__all__ = ["look_for_doubt"]


def look_for_doubt(
    model: str | Path,
    image: Any,
    annotations: SparseAnnotations,
    *,
    rgb: bool | None = None,
    planes: Sequence[int] | None = None,
    spot: int = 96,
    statistics: Statistics | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Generator[PlaneUncertainty, None, list[PlaneUncertainty]]:
    """Measure a model's uncertainty on planes of an image. A job for `Worker.submit`.

    Parameters
    ----------
    model : str or Path
        A name in the store, or a model's folder.
    image : array
        The image.
    annotations : SparseAnnotations
        What is painted already.
    rgb : bool, optional
        Whether the image's last axis is colour.
    planes : sequence of int, optional
        Planes to look at; by default some that are spread over the stack and not annotated.
    spot : int
        Side of a spot in pixels.
    statistics : Statistics, optional
        Of the stack, if known.
    cancel : callable, optional
        True ends it after the window at hand. Given by the worker.

    Yields
    ------
    PlaneUncertainty

    Returns
    -------
    list of PlaneUncertainty
        The same, together.
    """
    from napari_unets.images import as_stack
    from napari_unets.inference import Cancelled, InferenceSettings, stack_statistics
    from napari_unets.learning import iter_uncertainty
    from napari_unets.learning.doubt import spread_planes
    from napari_unets.models import load_model

    loaded = load_model(model)
    stack = as_stack(image, rgb=rgb)
    found = []
    with kept_predictor(loaded, InferenceSettings()) as predictor, suppress(Cancelled):
        for one in iter_uncertainty(
            loaded,
            stack,
            predictor,
            statistics=statistics or stack_statistics(loaded, stack, cancel=cancel),
            annotations=annotations,
            planes=spread_planes(stack.n_planes, annotations.by_plane) if planes is None else planes,
            spot=spot,
            cancel=cancel,
        ):
            found.append(one)
            yield one
    return found
