"""Paths that somebody types."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_unets.widgets.parts.typed_path import typed_path


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("~/scans", Path.home() / "scans"),
        ("scans/*.tif", Path("scans/*.tif")),
        ("~no such user/scans", Path.cwd() / "~no such user" / "scans"),
    ],
)
def test_a_home_is_found_where_there_is_one(text, meant):
    assert typed_path(text) == meant
    assert typed_path(text).expanduser() == meant
