"""The last move of a file or folder that was made beside its place."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["put_in_place"]


def put_in_place(made: Path, target: Path) -> None:
    """Move a finished file or folder to its place; what is replaced is there until then, or comes back.

    A folder cannot be replaced in one move, so that it is first moved aside, to the made one's name with ``.old``.

    Parameters
    ----------
    made : Path
        In the same folder as the target.
    target : Path
        Where it goes; what is there must be of the same kind.

    Raises
    ------
    OSError
        If it cannot be moved; what was there is there again.
    """
    if not target.is_dir():
        made.replace(target)
        return
    aside = made.with_name(f"{made.name}.old")
    target.replace(aside)
    try:
        made.replace(target)
    except BaseException:
        aside.replace(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
