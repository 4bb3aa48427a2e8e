"""Find out in the worker how large a model wants to see an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.jobs.tasks.segmentation import as_image_stack
from napari_unets.jobs.worker.kept import kept_predictor
from napari_unets.jobs.worker.sent_model import SentModel

if TYPE_CHECKING:
    from napari_unets.images import Statistics
    from napari_unets.inference import FoundScale

__all__ = ["look_for_scale"]


def look_for_scale(
    model: str | Path | SentModel,
    image: Any,
    *,
    rgb: bool | None = None,
    settings: Mapping[str, Any] | None = None,
    statistics: Statistics | None = None,
    cancel: Callable[[], bool] | None = None,
) -> FoundScale | None:
    """Find the scale at which a model agrees best with itself. A job for `Worker.submit`.

    Parameters
    ----------
    model, image, rgb, settings, statistics
        See `napari_unets.jobs.tasks.segmentation.segment_stack`.
    cancel : callable, optional
        True ends it. Given by the worker.

    Returns
    -------
    FoundScale or None
        None if it was stopped.
    """
    from napari_unets.inference import Cancelled, InferenceSettings, find_scale
    from napari_unets.models import load_model

    loaded = load_model(model.unpack() if isinstance(model, SentModel) else model)
    with kept_predictor(loaded, InferenceSettings(**(settings or {}))) as predictor:
        try:
            stack = as_image_stack(image, rgb)
            return find_scale(loaded, stack, predictor=predictor, statistics=statistics, cancel=cancel)
        except Cancelled:
            return None
