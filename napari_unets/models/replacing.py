"""A model's folder, written beside its place and moved there in whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unets.models.errors import ModelExistsError
from napari_unets.models.model import CARD_FILE

__all__ = ["check_replaceable", "written_beside"]


def check_replaceable(folder: Path, *, overwrite: bool) -> None:
    """See that a model may be written there.

    Raises
    ------
    ModelExistsError
        If the folder exists and ``overwrite`` is False, or it is something else than a model.
    """
    if not folder.exists():
        return
    if not overwrite:
        raise ModelExistsError(f"{folder} exists already; choose another name, or ask to overwrite it")
    if not (folder / CARD_FILE).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelExistsError(f"{folder} holds something else than a model and will not be replaced")


@contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """Make a hidden folder that takes the place of another when all is well, and vanishes otherwise."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        beside.chmod(0o755)
        yield beside
        if folder.exists():
            shutil.rmtree(folder)
        beside.replace(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
