"""Rows of a table that are on disk as soon as each is known, so that a run which was stopped goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Rows"]


class Rows:
    """A file of JSON lines, one a row.

    Parameters
    ----------
    path : Path
        Where they are kept; what is there already counts as done.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.all: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def have(self, key: Mapping[str, Any]) -> bool:
        """Whether there is a row with all these values."""
        wanted = json.loads(json.dumps(dict(key)))  # as it comes back from the file, which knows no tuples
        return any(all(row.get(k) == value for k, value in wanted.items()) for row in self.all)

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row, at once."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(row)) + "\n")
        self.all.append(json.loads(json.dumps(dict(row))))
