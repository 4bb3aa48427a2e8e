"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before torch is imported: small networks gain nothing from a second thread, and on a busy machine threads that
# wait for one another make them many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Not in a file named like a test, and imported by tests of several folders: registered here, before any of them.
pytest.register_assert_rewrite("tests.networks.shared")

# What takes longest first: of two processes, the one that begins with it last is waited for by the other.
_LONGEST = ("test_docs.py", "test_annotate_widget.py")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def _folder(name: str) -> Path:
    folder = _SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs the real data of {folder}, which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real EM sections, document scans and photographs (not in the repository)."""
    return _folder("data")


@pytest.fixture(scope="session")
def shared_reference() -> Path:
    """Worked cases of the scores (not in the repository)."""
    return _folder("reference")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files at the head of the queue."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
