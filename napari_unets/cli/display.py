"""Is there a display to open windows on, and if not, a virtual one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["has_display", "virtual_display"]


def has_display() -> bool:
    """Whether windows can be opened here; macOS and Windows always can."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@contextmanager
def virtual_display(width: int = 1600, height: int = 1000) -> Iterator[dict[str, str] | None]:
    """Start the virtual X server Xvfb, and end it afterwards.

    Parameters
    ----------
    width, height : int
        Size of its screen in pixels.

    Yields
    ------
    dict of str, or None
        Environment of a process that shall open its windows there. None if Xvfb is not installed or does not start.
    """
    program = shutil.which("Xvfb")
    if program is None:
        yield None
        return
    ours, theirs = os.pipe()
    screen = f"{width}x{height}x24"
    # The server itself chooses a free number and writes it into the pipe when it is ready.
    server = subprocess.Popen(  # noqa: S603
        [program, "-displayfd", str(theirs), "-screen", "0", screen, "-nolisten", "tcp"],
        pass_fds=[theirs],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    try:
        with os.fdopen(ours) as pipe:
            number = pipe.readline().strip()
        environment = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
        environment |= {"DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        yield environment if number else None
    finally:
        server.terminate()
        server.wait()
