"""A file or folder in the making: it appears at its place as a whole or not at all."""

from __future__ import annotations

import glob
import shutil
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from napari_unets.images.errors import ImageExistsError, ImageWriteError
from napari_unets.placing import put_in_place

__all__ = ["Unfinished"]

_LEFT_BEHIND_S = 24 * 3600
#: What is made, and what its writers put beside it meanwhile. What was to be replaced (.old) may be all that there is.
_LEFT_BEHIND = (".part", ".scratch", ".pages")


class Unfinished(ABC):
    """Is made beside its target, under a hidden name, and moved there when it is closed.

    What a process that was killed has left beside the target is removed a day later, by the next one that makes it.
    As a context manager it closes itself, or aborts on an error.

    Parameters
    ----------
    path : Path
        The target.
    overwrite : bool
        Whether a target that is there is replaced; it stays untouched until :meth:`close`.

    Raises
    ------
    ImageExistsError
        If the target is there and ``overwrite`` is False, or if it is something else than what is made.
    ImageWriteError
        If nothing can be written there.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        if not path.parent.is_dir():
            raise ImageWriteError(f"{path}: the folder {path.parent} does not exist; create it first")
        self._overwrite = overwrite
        self._check_free()
        _remove_left_behind(path)
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        self._open = True

    def close(self) -> Path:
        """Finish the file and move it to its place.

        Returns
        -------
        Path
            The target.

        Raises
        ------
        ImageExistsError
            If something that is not to be replaced has come there in the meantime.
        """
        if self._open:
            with self._explained():
                self._finish()
                self._check_free()
                put_in_place(self._temporary, self.path)
            self._open = False
        return self.path

    def abort(self) -> None:
        """Remove what was written; the target stays as it was. Does nothing after :meth:`close`."""
        if self._open:
            self._open = False
            try:
                self._let_go()
            finally:
                _remove_all(self._temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    @abstractmethod
    def _finish(self) -> None:
        """Complete what is under the temporary name, and let go of it."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close all files, whatever their state."""

    def _may_replace(self) -> bool:
        """Whether what is at the target is of the kind that is made."""
        return self.path.is_file()

    def _check_free(self) -> None:
        if self.path.exists() and not (self._overwrite and self._may_replace()):
            what = "is something else and is not replaced" if self._overwrite else "is there already"
            raise ImageExistsError(
                f"{self.path}: {what}; choose another name" + ("" if self._overwrite else ", or overwrite it")
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abort()
            reason = error.strerror or str(error)
            raise ImageWriteError(f"{self.path}: could not be written ({reason}); nothing was changed there") from error
        except BaseException:
            self.abort()
            raise


def _remove_left_behind(target: Path) -> None:
    """Remove what processes that were killed have left beside the target: nobody has written to it for a day."""
    long_ago = time.time() - _LEFT_BEHIND_S
    for path in target.parent.glob(f".{glob.escape(target.name)}.????????.*"):
        with suppress(OSError):  # another process may have removed it
            if path.suffix in _LEFT_BEHIND and path.stat().st_mtime < long_ago:
                _remove_all(path)


def _remove_all(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
