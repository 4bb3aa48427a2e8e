"""From what somebody has typed to a path."""

from __future__ import annotations

from pathlib import Path

__all__ = ["typed_path"]


def typed_path(text: str) -> Path:
    """Return the path that is meant; a name that begins with ``~`` and with no user's name is a name.

    Python's ``expanduser`` fails on such a name, which is typed on the way to any other, and is that of a file that
    some programs leave behind. As an absolute path it can be expanded by whatever takes it.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text).absolute()
