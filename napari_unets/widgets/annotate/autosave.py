"""Annotations are on disk a moment after they were painted, and offered again after a crash."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
import zipfile
from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.worker.liveness import still_runs
from napari_unets.learning.sparse import SparseAnnotations
from napari_unets.models import ClassInfo, model_name

__all__ = ["Autosave", "AutosaveError", "Saved", "left_behind", "read_autosave"]

_KEPT = 30
#: Two widgets that follow the same layer write the same file, and so the same unfinished one beside it.
_WRITING = threading.Lock()


class AutosaveError(NapariUnetsError):
    """Annotations cannot be kept aside, or those that were cannot be read."""


@dataclass(frozen=True)
class Saved:
    """What a file of annotations says about itself.

    Attributes
    ----------
    path : Path
        The file.
    image : str
        Name of the image that was painted on.
    shape : tuple of int
        Of the annotations as a stack.
    classes : list of ClassInfo
        Their classes.
    pixels : int
        How many are painted.
    when : float
        Seconds since 1970.
    pid : int
        Process that painted.
    """

    path: Path
    image: str
    shape: tuple[int, ...]
    classes: list[ClassInfo]
    pixels: int
    when: float
    pid: int


class Autosave:
    """Writes annotations into one file, in another thread, whole or not at all.

    Parameters
    ----------
    folder : Path
        Gets the file; the oldest ones there are removed.
    image : str
        The image's name.
    on_error : callable, optional
        Is called in the other thread with an AutosaveError when nothing could be written.
    """

    def __init__(self, folder: Path, image: str, on_error: Callable[[AutosaveError], None] | None = None) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = folder / f"{stamp}-{model_name(image)[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}.npz"
        self._image = image
        self._on_error = on_error
        self._threads = ThreadPoolExecutor(1, "autosave")

    def save(self, annotations: SparseAnnotations, classes: Sequence[ClassInfo]) -> None:
        """Begin to write; returns at once. With nothing annotated the file goes."""
        try:
            self._threads.submit(self._save, annotations, list(classes))
        except RuntimeError:  # Python is ending, and no thread takes anything more
            self._save(annotations, list(classes))

    def wait(self) -> None:
        """Wait until all is written."""
        with suppress(RuntimeError):  # Python is ending: it has waited for the thread
            self._threads.submit(lambda: None).result()

    def _save(self, annotations: SparseAnnotations, classes: Sequence[ClassInfo]) -> None:
        try:
            if annotations.by_plane:
                with _WRITING:
                    _write(self.path, self._image, annotations, classes)
                _remove_the_oldest(self.path.parent)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            if self._on_error is not None:
                what = f"annotations of {self._image} cannot be kept here while they are painted ({error})"
                self._on_error(AutosaveError(f"{self.path.parent}: {what}. Export them before you close napari"))


def read_autosave(path: Path) -> tuple[Saved, SparseAnnotations]:
    """Read a file of annotations; nothing in it is unpickled.

    Raises
    ------
    AutosaveError
        If it cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            about = _about(path, file)
            planes = {int(n): file[f"plane{int(n)}"].astype(np.uint8) for n in file["numbers"]}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise AutosaveError(f"{path}: these annotations cannot be read ({error})") from error
    return about, SparseAnnotations(about.shape, planes)


def left_behind(folder: Path, image: str, shape: tuple[int, ...], in_use: Container[Path] = ()) -> Saved | None:
    """Latest annotations of an image of this name and shape whose napari is gone, or whose layer in this one is.

    Parameters
    ----------
    folder : Path
        Where annotations are kept.
    image, shape : str, tuple of int
        The image's name, and its shape as a stack.
    in_use : container of Path
        Files of the layers that this napari has.
    """
    for path in sorted(folder.glob("*.npz"), reverse=True):
        if path in in_use:
            continue
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(path) as file:
            about = _about(path, file)
            gone = about.pid == os.getpid() or not still_runs(about.pid, about.when)
            if (about.image, about.shape) == (image, shape) and gone:
                return about
    return None


def _about(path: Path, file: Any) -> Saved:
    about = json.loads(str(file["about"]))
    return Saved(
        path=path,
        image=about["image"],
        shape=tuple(about["shape"]),
        classes=[ClassInfo.model_validate(c) for c in about["classes"]],
        pixels=about["pixels"],
        when=about["when"],
        pid=about["pid"],
    )


def _write(path: Path, image: str, annotations: SparseAnnotations, classes: Sequence[ClassInfo]) -> None:
    about = {
        "image": image,
        "shape": annotations.shape,
        "classes": [c.model_dump() for c in classes],
        "pixels": sum(int(np.count_nonzero(plane)) for plane in annotations.by_plane.values()),
        "when": time.time(),
        "pid": os.getpid(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    planes: dict[str, Any] = {f"plane{number}": plane for number, plane in annotations.by_plane.items()}
    with beside.open("wb") as file:
        np.savez_compressed(file, about=json.dumps(about), numbers=np.array(list(annotations.by_plane)), **planes)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _remove_the_oldest(folder: Path) -> None:
    for path in sorted(folder.glob("*.npz"))[:-_KEPT]:
        path.unlink(missing_ok=True)
