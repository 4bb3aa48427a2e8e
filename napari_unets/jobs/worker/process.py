"""Start, watch and end the local worker process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from napari_unets.cores import usable_cores
from napari_unets.jobs.worker.exchange import Exchange

__all__ = ["WorkerProcess"]

# The first line on standard input is the parent's sys.path, the second the settings; then the pipe
# stays open as long as the parent lives.
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.stdin.buffer.readline()); "
    "settings = json.loads(sys.stdin.buffer.readline()); "
    "from napari_unets.jobs.worker.child import main; main(settings)"
)
_THREAD_VARIABLE = "OMP_NUM_THREADS"


class WorkerProcess:
    """One worker process.

    Parameters
    ----------
    scheduler : str
        The scheduler's address.
    name : str
        The worker's name at the scheduler.
    exchange : Exchange
        Where its log and Dask's files go.
    threads : int or None
        Threads that torch and the like use; None for as many as there are cores (or for what
        ``OMP_NUM_THREADS`` says, if the user has set it).
    preload : sequence of str
        Modules to import once it is ready.
    on_exit : callable
        Called in a thread of its own when the process has ended, whyever.
    tasks : int
        How many tasks it runs at once.
    environment : mapping, optional
        Environment variables that it is to have beside ours.
    gives_way : bool
        Let it run at a lower priority than ours, for a worker beside a window.

    Attributes
    ----------
    address : str or None
        Its address as a Dask worker, once it has registered; set by the connection.
    """

    def __init__(
        self,
        scheduler: str,
        name: str,
        exchange: Exchange,
        threads: int | None,
        preload: Sequence[str],
        on_exit: Callable[[WorkerProcess], None],
        *,
        tasks: int = 1,
        environment: Mapping[str, str] | None = None,
        gives_way: bool = False,
    ) -> None:
        self.name = name
        self.address: str | None = None
        self._log = exchange.folder / f"{name}.log"
        settings = {
            "scheduler": scheduler,
            "name": name,
            "folder": str(exchange.folder),
            "remove": [str(folder) for folder in exchange.folders],
            "preload": list(preload),
            "tasks": tasks,
            "gives_way": gives_way,
        }
        surroundings = _environment(threads) | dict(environment or {})
        with self._log.open("wb") as log:
            self._process = _start(
                json.dumps([str(entry) for entry in sys.path]), json.dumps(settings), log, surroundings
            )
        threading.Thread(target=self._watch, args=(on_exit,), name=f"{name} watch", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._process.kill()

    def let_go(self) -> None:
        """Let go of the leash: the process ends at once, by itself."""
        with suppress(OSError, ValueError):  # it is gone already
            if self._process.stdin is not None:
                self._process.stdin.write(b".")  # "not dead, only closing: I tidy up myself"
                self._process.stdin.close()

    def how_it_ended(self) -> str:
        """Say in words how the process ended."""
        code = self._process.poll()
        if code is None:
            return "it no longer answers"
        if code >= 0:
            return f"it ended with code {code}"
        text = f"it was ended by signal {-code} ({signal.Signals(-code).name})"
        if -code == signal.SIGKILL:
            text += ", as the system does when memory runs out"
        return text

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines that the process wrote to its standard output and error."""
        try:
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _watch(self, on_exit: Callable[[WorkerProcess], None]) -> None:
        self._process.wait()
        with suppress(OSError, ValueError):  # what it was sent and has not read cannot be flushed any more
            if self._process.stdin is not None:
                self._process.stdin.close()
        on_exit(self)


def _environment(threads: int | None) -> dict[str, str]:
    environment = dict(os.environ)
    if threads is not None:
        environment[_THREAD_VARIABLE] = str(threads)
    elif _THREAD_VARIABLE not in environment:
        environment[_THREAD_VARIABLE] = str(usable_cores())
    environment.pop("PYTHONWARNINGS", None)  # a warning in Dask is no reason to have no worker
    environment["DASK_LOGGING__DISTRIBUTED"] = "warning"  # not a line for every message
    # The profiler feeds Dask's dashboard, which is off; it would wake up 100 times a second.
    environment["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
    return environment


def _start(path: str, settings: str, log: IO[bytes], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows: no console window beside napari
    process = subprocess.Popen(  # noqa: S603 - our own interpreter with a constant program
        [sys.executable, "-c", _BOOTSTRAP],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        cwd=Path.cwd(),
        env=environment,
        creationflags=hidden,
        # Ctrl-C in the shell is for the parent, which then lets go of the leash. Not a session of its own, which
        # Linux would give as much of the processor as all of the parent's, whatever its priority.
        process_group=0,
    )
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with suppress(OSError):  # it ended already: `_watch` says so
        process.stdin.write(f"{path}\n{settings}\n".encode())
        process.stdin.flush()
    return process
