"""Files that are there as a whole or not at all, even if the power fails."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path

__all__ = ["flush_folder", "write_safely"]


def write_safely(target: Path, content: bytes | memoryview, scratch: Path, *, new: bool = False) -> None:
    """Write a file under another name, have it put on the disk itself, and move it to its place.

    Parameters
    ----------
    target : Path
        Its place; replaced if it is there. Missing folders are made.
    content : bytes
        All of it.
    scratch : Path
        A folder of the same file system for unfinished files; made if missing. A process that is killed leaves its
        file there.
    new : bool
        Leave a file alone that is at its place, of which another process may just have made it.

    Raises
    ------
    FileExistsError
        If it is to be new and is not.
    OSError
        If it cannot be written; nothing has changed then at ``target``.
    """
    scratch.mkdir(exist_ok=True)
    temporary = scratch / uuid.uuid4().hex
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        made = _make_folders(target.parent)
        if not (new and _link(temporary, target)):
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.unlink(missing_ok=True)
    for folder in (target.parent, *made):
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Have the entries of a folder put on the disk, as far as its file system can; Windows does so by itself."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # folders shared with a virtual machine, some servers
            raise
    finally:
        os.close(number)


def _link(file: Path, target: Path) -> bool:
    """Give a file a second name, unless that is taken; False where a file system knows no second names."""
    try:
        os.link(file, target)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        return False
    return True


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those it is in; returns those in which there is a new one."""
    if folder.is_dir():
        return []
    changed = _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    return [*changed, folder.parent]
