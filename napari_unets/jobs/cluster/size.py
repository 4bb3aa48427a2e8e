"""How many worker processes this machine gets, and what each of them may use."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

import psutil

from napari_unets.cores import usable_cores

__all__ = ["WorkerPlan", "plan_workers"]

#: Threads from which on a second process makes more of a CPU than more threads do.
_THREADS_OF_A_WORKER = 4
#: Memory that a worker process needs on a CPU: torch, the model, its windows and a block being read and written.
_WORKER_BYTES = 3 << 30


@dataclass(frozen=True)
class WorkerPlan:
    """The worker processes of this machine.

    Attributes
    ----------
    workers : int
        How many.
    threads : int
        CPU threads of each.
    gpus : tuple of str
        GPUs, as ``CUDA_VISIBLE_DEVICES`` names them; they are dealt out in turn, one a worker.
    """

    workers: int
    threads: int
    gpus: tuple[str, ...] = ()

    def environment(self, number: int) -> dict[str, str]:
        """Return the environment variables of one worker, counted from 0."""
        return {"CUDA_VISIBLE_DEVICES": self.gpus[number % len(self.gpus)]} if self.gpus else {}


def plan_workers(
    workers: int | Literal["auto"], *, gpus: tuple[str, ...] | None = None, cores: int | None = None
) -> WorkerPlan:
    """Share out this machine.

    Parameters
    ----------
    workers : int or "auto"
        ``"auto"``: one for each GPU (of an Apple chip, one); without a GPU, one for every four cores, as far as the
        free memory goes.
    gpus, cores : optional
        What there is to share; by default what this process may use.

    Returns
    -------
    WorkerPlan
    """
    gpus = _gpus() if gpus is None else gpus
    cores = usable_cores() if cores is None else cores
    number = _automatic(len(gpus), cores) if workers == "auto" else workers
    return WorkerPlan(number, max(1, cores // number), gpus)


def _automatic(gpus: int, cores: int) -> int:
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return 1
    room = int(psutil.virtual_memory().available // _WORKER_BYTES)
    return gpus or max(1, min(cores // _THREADS_OF_A_WORKER, room))


def _gpus() -> tuple[str, ...]:
    """List the GPUs, asked in another process: one that has begun to use CUDA holds memory of every GPU."""
    if (chosen := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1"))
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],  # noqa: S607 - the driver's own program
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no driver, no GPU
        return ()
    return tuple(done.stdout.split())
