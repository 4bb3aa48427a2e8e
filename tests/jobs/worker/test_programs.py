"""Workers of whole programs: scripts, and programs that are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE = 120.0

_SCRIPT = """
from napari_unets.jobs import Worker

def squares(n):
    for i in range(n):
        yield i * i

worker = Worker()
events = []
job = worker.submit(squares, 5, on_event=events.append)
job.wait(100)
print(events, job.state)
"""

_VICTIM = """
import threading
from napari_unets.jobs import Worker

def hang(pid):
    import os
    yield os.getpid()
    threading.Event().wait()

worker = Worker()
job = worker.submit(hang, 0, on_event=lambda pid: print("pid", pid, sep="|", flush=True))
worker.wait_ready()
print("folders", *worker._opening.result().exchange.folders, sep="|", flush=True)
job.wait()
"""


def run_script(path: Path, text: str, **options) -> subprocess.Popen[str]:
    path.write_text(text)
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=path.parent,
        **options,
    )


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.mark.parametrize("ending", ["", "worker.close()\n"])
def test_script_without_a_main_guard_and_with_functions_of_its_own(tmp_path: Path, ending: str) -> None:
    process = run_script(tmp_path / "script.py", _SCRIPT + ending)
    out, err = process.communicate(timeout=PATIENCE)
    assert out == "[0, 1, 4, 9, 16] done\n"  # once: the script was not run a second time by the worker
    assert err == ""
    assert process.returncode == 0


def test_worker_goes_when_its_program_is_killed(tmp_path: Path) -> None:
    process = run_script(tmp_path / "victim.py", _VICTIM)
    told = dict(process.stdout.readline().strip().split("|", 1) for _ in range(2))
    folders = [Path(p) for p in told["folders"].split("|")]
    worker = psutil.Process(int(told["pid"]))
    assert all(folder.is_dir() for folder in folders)
    process.kill()
    process.communicate(timeout=PATIENCE)
    worker.wait(PATIENCE)
    if sys.platform != "win32":  # which does not remove the log of a process that still writes it
        wait_until(lambda: not any(folder.exists() for folder in folders), "the temporary folders were removed")
