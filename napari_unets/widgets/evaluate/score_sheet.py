"""Scores of several predictions as one sheet: a row for the mean and for each slice, a group of columns each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from napari_unets.jobs.tasks.evaluation import Scored
from napari_unets.widgets.evaluate.score_choice import SCORE_NAMES

__all__ = ["COLOURS", "Column", "ScoreSheet", "letter", "score_name"]

#: One a prediction, in the legend and in the plots; readable on dark and on light.
COLOURS = ("#2f8fd0", "#e08a00", "#22a06b", "#c65fa5", "#d9534f", "#8a7bd8", "#7f8c2a")


def letter(number: int) -> str:
    """Short name of a prediction: A, B … Z, then A1 and so on."""
    return chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")


def score_name(key: str, separator: str = " ") -> str:
    """Name of a score, of its split or merge part, or of a class's, for people."""
    of_all, _, label = key.partition("/")
    if label:
        return f"{score_name(of_all)},{separator}{f'class {label}' if label.isdigit() else label}"
    base, _, part = key.rpartition("_")
    if part in ("split", "merge", "threshold"):
        return f"{SCORE_NAMES[base]}{separator}{part}"
    return SCORE_NAMES.get(key, key)


@dataclass(frozen=True)
class Column:
    """A column of the sheet.

    Attributes
    ----------
    prediction : int
        Number of the prediction.
    key : str
        Name of the score, as `evaluate` gives it; ``dice/3`` is that of class 3 alone.
    """

    prediction: int
    key: str


class ScoreSheet:
    """Scores, row by row. Row 0 is the mean over the slices; then follow the slices.

    Parameters
    ----------
    results : sequence of Scored
        One for each prediction; those with an error get no columns.
    """

    def __init__(self, results: Sequence[Scored]) -> None:
        self.results = list(results)

    @cached_property
    def scores(self) -> list[dict[str, Any]]:
        """For each prediction what `evaluate` returns with ``per_slice``."""
        return [result.scores for result in self.results]

    @cached_property
    def columns(self) -> list[Column]:
        """The columns, prediction by prediction. The threshold, one for all slices, has none."""
        return [
            Column(number, key)
            for number, scores in enumerate(self.scores)
            for score, value in scores.items()
            if isinstance(value, float) and not score.endswith("_threshold")
            for key in (score, *self._of_classes(score, scores))
        ]

    @staticmethod
    def _of_classes(score: str, scores: dict[str, Any]) -> list[str]:
        classes: dict[str, dict[str, float]] = scores.get("per_class", {})
        return [f"{score}/{label}" for label, found in classes.items() if score in found]

    @cached_property
    def keys(self) -> list[str]:
        """Every score that some prediction has."""
        return list(dict.fromkeys(column.key for column in self.columns))

    @cached_property
    def indices(self) -> list[tuple[int, ...]]:
        """The slices, along the axes before y; those of the prediction of which most are done."""
        longest = max(self.results, key=lambda result: len(result.slices), default=None)
        return [] if longest is None else [scores.index for scores in longest.slices]

    @property
    def n_rows(self) -> int:
        """Slices and the row of means; none without scores."""
        return 1 + len(self.indices) if self.columns else 0

    @property
    def several(self) -> bool:
        """Whether more than one prediction was to be scored."""
        return len(self.results) > 1

    def row_name(self, row: int) -> str:
        """``"mean"``, or the slice's number (numbers, where there are more axes)."""
        return "mean" if row == 0 else ", ".join(map(str, self.indices[row - 1])) or "image"

    def column_name(self, column: Column, *, full: bool = False) -> str:
        """Header of a column: in full, or short and on two lines."""
        result = self.results[column.prediction]
        score, _, label = column.key.partition("/")
        key = f"{score}/{result.class_names.get(label, label)}" if label else score
        if full:
            name = score_name(key)
            return f"{result.name}: {name}" if self.several else name
        name = score_name(key, "\n")
        return f"{letter(column.prediction)} {name}" if self.several else name

    def value(self, row: int, column: Column) -> float | None:
        """Score of a row; None where the slice was not reached."""
        score, _, label = column.key.partition("/")
        scores = self._row(row, column)
        value = scores.get("per_class", {}).get(label, {}).get(score) if label else scores.get(score)
        return None if value is None else float(value)

    def reason(self, row: int, column: Column) -> str:
        """Why a score is undefined, infinite or missing; otherwise empty."""
        value = self.value(row, column)
        if value is not None and math.isfinite(value) and row:
            return ""
        reasons: dict[str, str] = self._row(row, column).get("undefined", {})
        if "/" in column.key and value is None and self._row(row, column):
            return "no pixel of this class in either image"
        base = column.key.removesuffix("_split").removesuffix("_merge")
        found = reasons.get(column.key, reasons.get(base, ""))
        return found or ("" if value is not None else "stopped before this slice")

    def _row(self, row: int, column: Column) -> dict[str, Any]:
        scores = self.scores[column.prediction]
        if row == 0:
            return scores
        slices: list[dict[str, Any]] = scores["per_slice"]
        return slices[row - 1] if row <= len(slices) else {}
