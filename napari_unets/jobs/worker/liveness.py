"""Whether the process that wrote a file is still there."""

from __future__ import annotations

import psutil

__all__ = ["still_runs"]


def still_runs(pid: int, since: float) -> bool:
    """Whether process ``pid`` runs and is the one that ran at ``since`` (seconds since 1970), not a later namesake."""
    try:
        return bool(psutil.Process(pid).create_time() <= since)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # somebody else's by now
        return False
