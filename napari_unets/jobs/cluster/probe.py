"""Whether a worker runs the same program, and sees the same files, as the process that gives it work."""

from __future__ import annotations

import glob
import os
import platform
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from napari_unets.jobs.errors import OutputNotSharedError, WorkerMismatchError
from napari_unets.jobs.volumes.errors import BlockWriteError

__all__ = ["Probe", "probe_beside"]

#: A network file system may show a new file to other machines a little later.
_PATIENCE_S = 5.0

_passed: set[str] = set()


@dataclass(frozen=True)
class Probe:
    """A small file beside the output, written by the one process and looked for by the others.

    Attributes
    ----------
    path : str
        Where it is.
    token : str
        What is in it: no two runs have the same.
    version : str
        The version of this package that wrote it.
    """

    path: str
    token: str
    version: str

    def check(self) -> None:
        """Compare this process with the one that wrote the file; once a process and run.

        Raises
        ------
        WorkerMismatchError
            Another version of this package.
        OutputNotSharedError
            The file is not there, or its folder is closed to writing.
        """
        if self.token in _passed:
            return
        here = platform.node()
        if (version := metadata.version("napari-unets")) != self.version:
            raise WorkerMismatchError(
                f"The worker on {here} has napari-unets {version}, but this is {self.version}. Install the same "
                "version where the workers run, and start them again."
            )
        folder = Path(self.path).parent
        if not self._is_seen():
            raise OutputNotSharedError(
                f"The worker on {here} does not see the folder of the output, {folder}, as this machine does. "
                "Choose an --output on a file system that has the same path on all machines."
            )
        if not os.access(folder, os.W_OK):
            raise OutputNotSharedError(f"The worker on {here} may not write to the folder of the output, {folder}.")
        _passed.add(self.token)

    @property
    def is_there(self) -> bool:
        """Whether the run still goes on, as far as this process sees: the file is removed at its end."""
        return Path(self.path).exists()

    def _is_seen(self) -> bool:
        end = time.monotonic() + _PATIENCE_S
        while True:
            # A file that another machine has just made may be empty for a moment, too.
            with suppress(OSError, UnicodeDecodeError):
                if Path(self.path).read_text() == self.token:
                    return True
            if time.monotonic() > end:
                return False
            time.sleep(0.1)


@contextmanager
def probe_beside(output: Path) -> Iterator[Probe]:
    """Write a probe beside an output for the time of a run; remove those of runs that were killed.

    Parameters
    ----------
    output : Path
        Need not be there yet; its folder must be.

    Yields
    ------
    Probe

    Raises
    ------
    BlockWriteError
        If it cannot be written.
    """
    output = output.absolute()
    for old in output.parent.glob(f".{glob.escape(output.name)}.*.run"):
        old.unlink(missing_ok=True)
    token = uuid.uuid4().hex
    path = output.parent / f".{output.name}.{token[:12]}.run"
    try:
        _write(path, token, output)
        yield Probe(str(path), token, metadata.version("napari-unets"))
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, token: str, output: Path) -> None:
    try:
        path.write_text(token)
    except OSError as error:
        raise BlockWriteError(
            f"{output}: nothing can be written beside it ({error.strerror or error}); make room, or see to the cause, "
            "and go on with --resume"
        ) from error
