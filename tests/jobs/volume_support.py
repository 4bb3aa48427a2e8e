"""Small volumes, and what it takes to run over them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_unets.images import save_stack
from napari_unets.inference import InferenceSettings, Predictor
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.jobs.volumes.blocks import VolumeJob, plan_volume
from napari_unets.jobs.volumes.run import begun_job
from napari_unets.models import load_model

__all__ = ["SHAPE", "blobs", "contents", "plan", "save_volume"]

SHAPE = (9, 90, 110)
#: Three blocks; objects go on from one to the next.
BLOCK = (4, 90, 110)


def blobs(shape=SHAPE, seed=0) -> np.ndarray:
    """Make something with dark walls and bright cells, as bytes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), (*[1.5] * (len(shape) - 2), 5, 5))
    return ((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)


def save_volume(path: Path, values: np.ndarray | None = None) -> Path:
    return save_stack(path, blobs() if values is None else values, voxel_size_nm=(30, 4, 4))


def plan(
    source: Path | str,
    output: Path,
    model: str | Path = "otsu",
    *,
    block=BLOCK,
    settings: InferenceSettings | None = None,
    resume: bool = False,
    **what,
) -> VolumeJob:
    """Plan a volume without a predictor at hand."""
    begun = begun_job(output) if resume else None
    with Predictor(load_model(model), settings) as predictor:
        return plan_volume(source, output, predictor, OutputSettings(**what), block=block, begun=begun)


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder by its path: a digest, so that a difference can be read."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()[:16] for p in files}
