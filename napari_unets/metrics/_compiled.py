"""The one decorator under which the loops of this folder are compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, cast

import numba

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a loop on its first call, without the interpreter lock, and keep the result on disk where it can be.

    The lock is released so that slices are scored by threads; the cache makes the compilation (a second or
    two a function) a matter of the first call after an installation. Where there is no place for it, as in containers
    whose user has no home folder, or no space left, as in a home folder with a quota, each process compiles anew.
    """
    try:
        made = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba finds no folder that it may write
        return cast(_Function, numba.njit(nogil=True)(function))
    _keep_if_possible(made)
    return cast(_Function, made)


def _keep_if_possible(dispatcher: Any) -> None:
    """Let a compiled function go on where its code cannot be kept; numba itself then fails the call."""
    cache = dispatcher._cache
    save = cache.save_overload

    def save_or_not(*compiled_code: Any) -> None:
        with suppress(OSError):
            save(*compiled_code)

    cache.save_overload = save_or_not
