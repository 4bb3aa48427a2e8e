"""Find out in the worker how long a step of fine-tuning takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["time_a_step"]


def time_a_step(model: str | Path, settings: Mapping[str, Any], *, device: str = "auto") -> float | None:
    """Measure a step of fine-tuning a model. A job for `Worker.submit`.

    Parameters
    ----------
    model : str or Path
        A name in the store, or a model's folder.
    settings : mapping
        Changes of :func:`napari_unets.learning.tuning_settings`.
    device : str
        Where to learn.

    Returns
    -------
    float or None
        Seconds; None of a model without weights.
    """
    from napari_unets.learning import tuning_settings
    from napari_unets.learning.step_time import step_seconds
    from napari_unets.models import load_model

    loaded = load_model(model)
    if not loaded.network.has_weights:
        return None
    return step_seconds(loaded, tuning_settings(from_scratch=loaded.card.is_untrained, **settings), device=device)
