"""The scores of one slice, and how much the last stroke changed them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from napari_unets.widgets.evaluate.score_sheet import score_name
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.short_names import short_names

__all__ = ["LiveNote"]

_MOST_SCORES = 3
_PARTS = ("_split", "_merge", "_threshold")


class LiveNote(Note):
    """A line a prediction."""

    def __init__(self) -> None:
        super().__init__()
        self._slice: tuple[int, ...] | None = None
        self._last: list[dict[str, float]] = []

    def forget(self) -> None:
        """Show nothing, and compare with nothing."""
        self._slice, self._last = None, []
        self.say("")

    def tell(self, index: tuple[int, ...], names: Sequence[str], scores: Sequence[Mapping[str, Any]]) -> None:
        """Show the scores of a slice, with the difference to those shown before of the same slice.

        Parameters
        ----------
        index : tuple of int
            The slice.
        names : sequence of str
            Of the predictions.
        scores : sequence of mapping
            Of the predictions; empty of one that cannot be compared.
        """
        found = [_main(of_one) for of_one in scores]
        if (index, found) == (self._slice, self._last):
            return  # nothing has changed, so the last difference stays
        before = self._last if index == self._slice and len(self._last) == len(found) else [{}] * len(found)
        self._slice, self._last = index, found
        lines = []
        for name, one, old in zip(short_names(names), found, before, strict=True):
            if one:
                lines.append(
                    f"<b>{escape(name or 'This slice')}</b>: "
                    + ", ".join(_text(key, one[key], old.get(key)) for key in one)
                )
        self.say("<br>".join(lines), rich=True)


def _main(scores: Mapping[str, Any]) -> dict[str, float]:
    keys = [key for key, value in scores.items() if isinstance(value, float) and not key.endswith(_PARTS)]
    return {key: scores[key] for key in keys[:_MOST_SCORES]}


def _text(key: str, value: float, before: float | None) -> str:
    if math.isnan(value):
        return f"{score_name(key)} –"  # as in the table
    change = "" if before is None or before == value or math.isnan(before) else f" ({value - before:+.5f})"
    return f"{score_name(key)} {value:.5f}{change}"
