"""What is painted in a layer, known at any time without looking through the whole of it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from napari_unets.learning.sparse import SparseAnnotations
from napari_unets.widgets.annotate.annotation_layer import n_planes, plane_of, planes_shape
from napari_unets.widgets.parts.strokes import planes_of_stroke

if TYPE_CHECKING:
    from napari.layers import Labels

__all__ = ["AnnotationRecord"]

_PAUSE_MS = 800
_ROWS = 1024


class AnnotationRecord(QObject):
    """Follows a Labels layer: keeps a copy of its annotated planes, and their pixels by class.

    Only planes that were painted on are read again, after a pause in painting and in another thread.

    Parameters
    ----------
    layer : Labels
        The annotations. Its planes are looked through once, unless ``empty``.
    empty : bool
        Whether it is known that nothing is painted yet.
    """

    #: What is painted has changed and was read.
    changed = Signal()
    _was_read = Signal()

    def __init__(self, layer: Labels, *, empty: bool = False, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.layer = layer
        self._planes: dict[int, NDArray[np.uint8]] = {}
        self._counts: dict[int, dict[int, int]] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()  # from taking up a plane until it is known: what is not dirty is known
        self._untold = 0
        self._dirty: set[int] = set() if empty else set(range(n_planes(layer)))
        self._shape = layer.data.shape
        self._history = _history(layer)
        # strokes from before it was followed can be undone as well, and nobody knows on which planes they are
        self._touched: set[int] = set(self._dirty) if any(self._history) else set()
        self._is_known = empty
        self._was_painted = False
        self._threads = ThreadPoolExecutor(1, "annotations")
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._read_in_background)
        self._was_read.connect(self._tell)
        layer.events.paint.connect(self._painted)
        layer.events.set_data.connect(self._perhaps_undone)
        layer.events.data.connect(self._replaced)
        if self._dirty:
            self._pause.start(0)

    @property
    def counts(self) -> dict[int, dict[int, int]]:
        """Pixels of each class on each annotated plane, as of the last pause; none of an array that was replaced."""
        with self._lock:
            return {n: dict(c) for n, c in sorted(self._counts.items())} if self._is_of_this_array else {}

    @property
    def is_settled(self) -> bool:
        """Whether everything painted was read, and whoever follows ``changed`` was told."""
        return not self._dirty and not self._pause.isActive() and not self._untold

    @property
    def is_known(self) -> bool:
        """Whether the layer was looked through; until then a snapshot must read it, which takes long of a lazy one."""
        return self._is_known and self._is_of_this_array

    @property
    def _is_of_this_array(self) -> bool:
        """Whether the layer's array has the shape of the one that is followed: others may hear of a new one before."""
        return bool(self._shape == self.layer.data.shape)

    @property
    def must_be_saved(self) -> bool:
        """Whether there is something painted that nobody who follows ``changed`` was told of."""
        return not self.is_settled and (self._is_known or self._was_painted)

    def snapshot(self) -> SparseAnnotations:
        """Annotations as they are now; only quick once the layer ``is_known``."""
        self._read()
        with self._lock:
            return SparseAnnotations(planes_shape(self.layer), dict(self._planes), self.layer.name)

    def touch(self, planes: Iterable[int]) -> None:
        """Say that planes were written to."""
        with self._lock:
            self._dirty |= set(planes)
            self._touched |= self._dirty
        self._pause.start(_PAUSE_MS)

    def close(self) -> None:
        """Follow the layer no more."""
        self._pause.stop()
        for emitter in (self.layer.events.paint, self.layer.events.set_data, self.layer.events.data):
            emitter.disconnect(self)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _painted(self, event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self._history = _history(self.layer)
            self._was_painted = True
            self.touch(planes_of_stroke(event.value, self.layer.data.shape))

    def _perhaps_undone(self, _event: Any) -> None:
        """Napari tells of what is undone and done again only by a refresh, as of a moved slider."""
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        history, self._history = self._history, _history(self.layer)
        with self._lock:
            changed = self._touched | set(self._planes)
        if history != self._history and changed:
            self.touch(changed)

    def _replaced(self, _event: Any) -> None:
        if isalive(self):  # type: ignore[no-untyped-call]
            self._is_known = False
            with self._lock:  # the new array may have fewer planes, and of another size
                self._shape = self.layer.data.shape
                for known in (self._planes, self._counts, self._touched, self._dirty):
                    known.clear()
            self.touch(range(n_planes(self.layer)))

    def _read_in_background(self) -> None:
        self._untold += 1
        self._threads.submit(self._read_and_tell)

    def _read_and_tell(self) -> None:
        try:
            self._read()
        finally:
            if isalive(self):  # type: ignore[no-untyped-call]
                self._was_read.emit()

    def _tell(self) -> None:
        self.changed.emit()
        self._untold -= 1

    def _read(self) -> None:
        while self._read_one():
            pass
        self._is_known = True

    def _read_one(self) -> bool:
        with self._reading:
            with self._lock:
                if not self._dirty:
                    return False
                number, shape = self._dirty.pop(), self._shape
            try:
                plane = np.array(plane_of(self.layer, number))
                ids = _ids(plane)
                counts = _count(ids)
            except BaseException:
                with self._lock:
                    if shape == self._shape:
                        self._dirty.add(number)  # not read is not lost
                raise
            with self._lock:
                if shape != self._shape:  # the array was replaced meanwhile
                    return True
                if counts:
                    self._planes[number] = ids
                    self._counts[number] = counts
                else:
                    self._planes.pop(number, None)
                    self._counts.pop(number, None)
        return True


def _ids(plane: NDArray[Any]) -> NDArray[np.uint8]:
    """Class ids in a byte each; what is no class's id (instances, say) stays none: 255, and not what is left of it."""
    if plane.dtype == np.uint8:
        return plane
    ids: NDArray[np.uint8] = np.clip(plane, 0, min(255, np.iinfo(plane.dtype).max)).astype(np.uint8)
    return ids


def _count(plane: NDArray[np.uint8]) -> dict[int, int]:
    """Pixels of each class id but 0; some rows at once, for counting takes eight bytes a pixel."""
    total = np.zeros(256, np.int64)
    for start in range(0, plane.shape[0], _ROWS):
        rows = plane[start : start + _ROWS].reshape(-1)
        total += np.bincount(rows, minlength=256)
    return {int(c): int(total[c]) for c in np.flatnonzero(total[1:]) + 1}


def _history(layer: Labels) -> tuple[int, int]:
    """How much can be undone and done again."""
    return len(getattr(layer, "_undo_history", ())), len(getattr(layer, "_redo_history", ()))
