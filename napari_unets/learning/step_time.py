"""How long a step of training takes on this machine, measured before a run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

import numpy as np

from napari_unets.inference import choose_device
from napari_unets.learning.errors import NothingToTrainError
from napari_unets.learning.fit import fit
from napari_unets.learning.patch_size import with_fitting_patch
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.models import Model

__all__ = ["step_seconds"]

#: A whole step is tried where one patch promises that it will not take longer than this.
_SHORT_S = 1.0


def step_seconds(
    model: Model, settings: FitSettings, *, device: str = "auto", clock: Callable[[], float] = time.perf_counter
) -> float:
    """Measure a step of training: patches drawn and changed, gradients, new weights.

    Of a slow step, only one patch is computed, and the rest reckoned from it: nobody should wait for an answer to
    the question how long there is to wait.

    Parameters
    ----------
    model : Model
        What would be trained; it stays as it is.
    settings : FitSettings
        Of the run. Its length does not matter.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    clock : callable
        Gives seconds.

    Returns
    -------
    float
        Seconds a step.

    Raises
    ------
    NothingToTrainError
        If the model is a formula without weights.
    """
    if not model.network.has_weights:
        raise NothingToTrainError(model.name)
    settings = with_fitting_patch(settings, model.network)
    one = _second_step(model, settings, 1, device, clock)
    if one * settings.batch > _SHORT_S:
        return one * settings.batch
    return _second_step(model, settings, settings.batch, device, clock)


def _second_step(model: Model, settings: FitSettings, batch: int, device: str, clock: Callable[[], float]) -> float:
    """Time the second of two steps; the first one prepares kernels and memory."""
    network = copy.deepcopy(model.network)
    rng = np.random.default_rng(0)
    image = rng.normal(size=(model.card.in_channels, settings.patch, settings.patch)).astype(np.float32)
    ids = rng.integers(1, len(model.card.classes) + 1, image.shape[1:]).astype(np.uint8)
    sampler = PatchSampler([AnnotatedPlane(image, ids)], settings.patch, settings.augment, settings.seed)
    changes = {"steps": 3, "minutes": None, "epochs": None, "batch": batch}
    run = fit(network, sampler, settings.model_copy(update=changes), device=choose_device(device).name)
    next(run)
    begun = clock()
    next(run)  # its loss is a number, so a GPU has done its work by then
    return clock() - begun
