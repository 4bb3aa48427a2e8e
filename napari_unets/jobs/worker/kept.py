"""Keep the last job's predictor in the worker for the next job, and give its memory back when idle."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_unets.inference import InferenceSettings, Predictor
    from napari_unets.models import Model

__all__ = ["KEPT", "Kept", "kept_predictor"]


class Closable(Protocol):
    """Anything with a `close` that frees its memory."""

    def close(self) -> None:
        """Free the memory."""


T = TypeVar("T", bound=Closable)


class Kept:
    """One object, made by the last job and lent to the next that asks for the same.

    It is lent to one job at a time: on a worker with several threads the second job makes its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: Hashable = None
        self._value: Any = None
        self._jobs = 0
        self._timer: threading.Timer | None = None

    @property
    def key(self) -> Hashable:
        """The key of what is kept at the moment, or None."""
        return self._key

    @contextmanager
    def borrow(self, key: Hashable, make: Callable[[], T]) -> Iterator[T]:
        """Lend what is kept under `key`, or what `make` makes; keep it after, unless an error came of it.

        Parameters
        ----------
        key : hashable
            Says what it was made from: a model's hash and the settings.
        make : callable
            Makes it, if another or nothing is kept. What was kept is closed before.
        """
        value = self._take(key)
        if value is None:
            value = make()
        try:
            yield value
        except GeneratorExit:  # a stop, not an error: what was lent is as good as before
            self._put(key, value)
            raise
        except BaseException:
            value.close()
            raise
        self._put(key, value)

    def hold(self) -> None:
        """Say that a job begins: nothing is given back until it ends."""
        with self._lock:
            self._jobs += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def release_after(self, seconds: float) -> None:
        """Say that a job has ended: if no other begins for `seconds`, give the memory back."""
        with self._lock:
            self._jobs -= 1
            if self._jobs == 0:
                self._timer = threading.Timer(seconds, self._release_if_idle)
                self._timer.daemon = True
                self._timer.start()

    def release(self) -> None:
        """Close what is kept and return freed memory to the GPU and to the system."""
        self._take(None)
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        if torch is not None and torch.backends.mps.is_available():
            torch.mps.empty_cache()
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):  # musl has no malloc_trim
                ctypes.CDLL(None).malloc_trim(0)

    def _release_if_idle(self) -> None:
        with self._lock:
            idle = self._jobs == 0
        if idle:
            self.release()

    def _take(self, key: Hashable) -> Any:
        with self._lock:
            kept_key, value = self._key, self._value
            self._key = self._value = None
        if value is not None and kept_key != key:
            value.close()
            return None
        return value

    def _put(self, key: Hashable, value: Closable) -> None:
        with self._lock:
            old, self._key, self._value = self._value, key, value
        if old is not None:
            old.close()


KEPT = Kept()
"""The one keeper of this process."""


def kept_predictor(model: Model, settings: InferenceSettings) -> AbstractContextManager[Predictor]:
    """Lend what runs a model, ready to run: the last job's, if it ran the same model with the same settings."""
    from napari_unets.inference import Predictor

    key = (str(model.folder), model.card.model_dump_json(), settings.model_dump_json())
    return KEPT.borrow(key, lambda: Predictor(model, settings))
