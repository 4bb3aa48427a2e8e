"""A job of blocks that needs no model. A module of its own, since workers have to import it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from napari_unets.errors import NapariUnetsError


class BadBlockError(NapariUnetsError):
    """What a block may raise."""


@dataclass(frozen=True)
class Volume:
    output: Path
    seconds: float = 0.0
    bad: int = -1  # the block that is refused
    crashing: int = -1  # the block with a programming error
    deadly: int = -1  # the block that kills its worker
    deaths: int = 10**9  # so many times


@dataclass(frozen=True)
class Part:
    number: int


@dataclass(frozen=True)
class Record:
    number: int
    pid: int
    gpu: str | None
    threads: str | None


def run_part(volume: Volume, part: Part) -> Record:
    folder = Path(f"{volume.output}.parts")
    (folder / f"begun-{part.number}-{os.getpid()}").touch()
    if part.number == volume.deadly:
        died = len(list(folder.glob(f"begun-{part.number}-*")))
        if died <= volume.deaths:
            os.write(1, b"last words\n")
            os.kill(os.getpid(), signal.SIGKILL)
    if part.number == volume.bad:
        raise BadBlockError("the disk is full")
    if part.number == volume.crashing:
        raise ZeroDivisionError("a bug")
    time.sleep(volume.seconds)
    (folder / f"{part.number}.block").write_bytes(bytes([part.number % 251]) * 1000)
    environment = os.environ
    return Record(part.number, os.getpid(), environment.get("CUDA_VISIBLE_DEVICES"), environment.get("OMP_NUM_THREADS"))
