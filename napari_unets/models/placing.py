"""A model's folder in the making: it appears at its place as a whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unets.models.errors import ModelExistsError, ModelFileError
from napari_unets.models.model import CARD_FILE
from napari_unets.placing import put_in_place

__all__ = ["check_place", "check_replaceable", "explained", "made_beside"]


def check_replaceable(target: Path, *, overwrite: bool) -> None:
    """See that a model may be written there.

    Raises
    ------
    ModelExistsError
        If the folder exists and ``overwrite`` is False, or it is something else than a model.
    ModelFileError
        If it may not be looked at.
    """
    with explained(target):  # in a folder that may not be looked into, for instance
        if not target.exists():
            return
        if not overwrite:
            raise ModelExistsError(
                f"{target} exists already; choose another name, or replace it (overwrite=True; in the shell "
                "--overwrite)"
            )
        if not (target / CARD_FILE).is_file() and (not target.is_dir() or any(target.iterdir())):
            raise ModelExistsError(f"{target} holds something else than a model and will not be replaced")


def check_place(target: Path, *, overwrite: bool) -> None:
    """See that a model can be written there, before hours go into what it is to hold.

    Raises
    ------
    ModelExistsError
        As :func:`check_replaceable`.
    ModelFileError
        If no file can be made where the model's folder, or the first missing one above it, is to be.
    """
    check_replaceable(target, overwrite=overwrite)
    with explained(target):
        above = next(folder for folder in target.absolute().parents if folder.exists())
        with tempfile.TemporaryFile(dir=above):
            pass


@contextmanager
def made_beside(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """Make a hidden folder that takes the target's place when all is well, and vanishes otherwise.

    Parameters
    ----------
    target : Path
        Folder of a model. The folder that it is in is made if missing.
    overwrite : bool
        Whether a model that is there is replaced.

    Yields
    ------
    Path
        The hidden folder.

    Raises
    ------
    ModelExistsError
        If the target is there and ``overwrite`` is False, or it is something else than a model.
    ModelFileError
        If it cannot be written; what was there is as it was.
    """
    check_replaceable(target, overwrite=overwrite)
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            beside.chmod(0o755)
            yield beside
            put_in_place(beside, target)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Name the target when the system cannot write it.

    Raises
    ------
    ModelFileError
        If so.
    """
    try:
        yield
    except OSError as error:
        raise ModelFileError(
            f"{target}: the model could not be written ({error.strerror or error}); make room, or see to the cause"
        ) from error
