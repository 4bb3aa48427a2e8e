"""``segment --estimate``: time and disk, before a long run is begun."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.cli.terminal import print_table
from napari_unets.cli.workers import check_volumes

if TYPE_CHECKING:
    from napari_unets.jobs.batch.events import BatchJob
    from napari_unets.jobs.volumes.estimating import VolumeEstimate

__all__ = ["print_estimate"]

_WORKERS = (1, 4, 16, 100)


def print_estimate(job: BatchJob) -> None:
    """Compute a block of each volume, and print what all of them will take.

    Parameters
    ----------
    job : BatchJob
        Whose outputs are made of blocks.

    Raises
    ------
    OutputError
        If one is not.
    """
    from napari_unets.inference import Predictor
    from napari_unets.jobs.volumes.estimating import estimate_volume
    from napari_unets.models import load_model

    check_volumes(job)
    with Predictor(load_model(job.model), job.settings) as predictor:
        for item in job.items:
            made = estimate_volume(item.sources[0], item.target, predictor, job.output, opening=job.opening)
            device = f"{predictor.device} ({predictor.backend}, {predictor.precision})"
            print_table([item.name, ""], _rows(made, item.target, device))


def _rows(made: VolumeEstimate, target: Path, device: str) -> list[list[str]]:
    home = next(folder for folder in target.absolute().parents if folder.exists())
    free = shutil.disk_usage(home).free
    enough = "" if made.output_bytes < free else ": NOT ENOUGH"
    blocks = " × ".join(str(min(n, m)) for n, m in zip(made.block, made.shape[-3:], strict=True))
    rows = [
        ["volume", f"{' × '.join(map(str, made.shape))}, {_size(made.input_bytes)} to be read"],
        ["blocks", f"{made.blocks}, of {blocks} voxels"],
        ["output", f"{_size(made.output_bytes)}; free in {home}: {_size(free)}{enough}"],
        ["computed on", device],
        ["reading", _time(made.reading)],
    ]
    for workers in _WORKERS:
        if workers == 1 or workers <= made.blocks:
            name = "time, this process" if workers == 1 else f"time, {workers} like it"
            rows.append([name, _time(made.seconds(workers))])
    return rows


def _size(nbytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1000
    return f"{nbytes:.3g} TB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2g} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 72 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
