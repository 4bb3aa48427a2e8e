"""The one decorator under which the loops of this folder are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

__all__ = ["compiled"]

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a loop on its first call, without the interpreter lock, and keep the result on disk.

    The lock is released so that slices are scored by threads; the cache makes the compilation (a second or
    two a function) a matter of the first call after an installation.
    """
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))
