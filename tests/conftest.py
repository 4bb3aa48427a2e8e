"""Fixtures that the whole suite shares."""

from __future__ import annotations

from pathlib import Path

import pytest

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
