"""A program that runs over a volume and kills itself, again and again, until the volume is finished.

Imported modules are shared by all runs: each is a fork of this process. Started by test_kill.py, which is not able to
fork itself, for it has threads.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from napari_unets.images import zarr_files  # noqa: F401 - here and not in every run
from napari_unets.inference import InferenceSettings, Predictor, running  # noqa: F401
from napari_unets.jobs.volumes import ledger, values  # noqa: F401
from napari_unets.jobs.volumes.run import run_volume
from napari_unets.models import load_model
from tests.jobs.volume_support import plan

SETTINGS = InferenceSettings(precision="fp32", backend="torch", threads=1)


def main(source: str, output: str, model: str, kind: str, how: str) -> None:
    """Kill runs as ``how`` says, ``random:SEED`` or ``steps``, until one comes to its end."""
    Predictor(load_model(model), SETTINGS).bytes_per_pixel  # noqa: B018 - loads the rest of torch
    runs = 0
    chance = random.Random(how)
    while True:
        runs += 1
        child = os.fork()
        if child == 0:
            _run(source, Path(output), model, kind, how, runs, chance.random())
        _, status = os.waitpid(child, 0)
        chance.random()
        if os.WIFEXITED(status):
            sys.stdout.write(f"{runs}\n")
            sys.exit(os.WEXITSTATUS(status))


def _run(source: str, output: Path, model: str, kind: str, how: str, run: int, chance: float) -> None:
    code = 1
    try:
        if how == "steps":
            _kill_at_step(run)
        else:
            _kill_after(chance * 0.4 * 1.1**run)
        what = {"kind": "instances", "link": True} if kind == "neurites" else {"kind": kind}
        begun = ledger.ledger_path(output).exists()
        job = plan(source, output, model, settings=SETTINGS, resume=begun, **what)
        run_volume(job, resume=True)
        code = 0
    except Exception:  # noqa: BLE001 - the parent is to see whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _kill_after(seconds: float) -> None:
    """Kill after so many seconds of the processor, which do not depend on how busy it is."""
    end = time.process_time() + seconds

    def kill() -> None:
        while time.process_time() < end:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()


def _kill_at_step(number: int) -> None:
    """Kill at the n-th call that changes the disk, before or after it in turn."""
    left = [number]

    def watched(function):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    os.fsync = watched(os.fsync)
    Path.replace = watched(Path.replace)
    Path.rename = watched(Path.rename)
    Path.mkdir = watched(Path.mkdir)


if __name__ == "__main__":
    main(*sys.argv[1:])
