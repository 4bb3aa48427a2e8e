"""A Dask cluster as somebody else would start it: a scheduler and worker processes, on the loopback interface."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from distributed import Client

__all__ = ["PATIENCE", "TESTS", "Cluster", "wait_until"]

PATIENCE = 120.0
TESTS = Path(__file__).parents[1]


def start(*command: str, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=file,
            stderr=file,
            env=os.environ | {"PYTHONPATH": paths} | dict(environment),
        )


class Cluster:
    """A scheduler process and worker processes, with nannies unless they are not wanted.

    Parameters
    ----------
    folder : Path
        For logs and Dask's files.
    protocol : str
        ``"tcp"`` or ``"tls"``.
    environment : mapping
        Environment variables of all processes.
    """

    def __init__(self, folder: Path, *, protocol: str = "tcp", environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._protocol = protocol
        self._environment = environment or {}
        file = folder / "scheduler.json"
        self._processes = [
            start(
                "distributed.cli.dask_scheduler",
                *("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"),
                *("--scheduler-file", str(file), "--protocol", protocol),
                log=folder / "scheduler.log",
                environment=self._environment,
            )
        ]
        # The file is there a moment before all of it is written.
        wait_until(lambda: file.exists() and file.read_text().rstrip().endswith("}"), "the scheduler was started")
        self.address = json.loads(file.read_text())["address"]

    @property
    def scheduler(self) -> subprocess.Popen[bytes]:
        """The scheduler's process."""
        return self._processes[0]

    def add_worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker, which registers a little later; returns its process, or its nanny's."""
        self._processes.append(
            start(
                "distributed.cli.dask_worker",
                self.address,
                *("--nthreads", "1", "--no-dashboard", "--local-directory", str(self._folder)),
                *("--host", "127.0.0.1", "--protocol", self._protocol, *options),
                log=self._folder / f"worker{len(self._processes)}.log",
                environment=self._environment,
            )
        )
        return self._processes[-1]

    def wait_for_workers(self, n: int) -> None:
        """Wait until so many have registered."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(n, PATIENCE)

    def close(self) -> None:
        """End all processes."""
        for process in reversed(self._processes):
            if process.poll() is not None:
                continue
            children = psutil.Process(process.pid).children(recursive=True)
            process.terminate()  # a nanny that is killed leaves semaphores behind
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
                for child in children:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.kill()


def wait_until(condition, what: str) -> None:
    """Look again and again whether a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.02)
