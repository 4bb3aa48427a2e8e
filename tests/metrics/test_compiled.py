"""Scores need no place for what is compiled: package folders may be read-only, home folders absent or full."""

from __future__ import annotations

import errno

import pytest
from numba.core import caching

from napari_unets.metrics._compiled import compiled


@compiled
def _twice(value):
    return 2 * value


def test_what_is_compiled_is_kept():
    assert _twice(2) == 4
    assert _twice.stats.cache_path


def test_without_a_folder_for_the_cache(monkeypatch):
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    without = compiled(_twice.py_func)
    assert without(3) == 6
    assert without.stats.cache_path is None


def test_with_a_full_disk(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    asked = []
    monkeypatch.setattr(caching.IndexDataCacheFile, "save", lambda *given: (asked.append(given), full()))
    monkeypatch.setattr(caching.IndexDataCacheFile, "load", lambda *_: None)
    assert compiled(_twice.py_func)(4.5) == pytest.approx(9)
    assert asked
