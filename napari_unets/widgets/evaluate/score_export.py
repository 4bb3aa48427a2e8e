"""A sheet of scores for other programs: TSV and Markdown for the clipboard, CSV and JSON as files."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

from napari_unets.errors import NapariUnetsError
from napari_unets.metrics import to_json
from napari_unets.widgets.evaluate.score_sheet import ScoreSheet

__all__ = ["ScoresNotSavedError", "save_scores", "to_markdown", "to_tsv"]


class ScoresNotSavedError(NapariUnetsError):
    """Scores cannot be written into a file."""


def to_tsv(sheet: ScoreSheet) -> str:
    """Tab-separated, with all digits, to be pasted into a spreadsheet."""
    return "\n".join("\t".join(row) for row in _rows(sheet, digits=None)) + "\n"


def to_markdown(sheet: ScoreSheet) -> str:
    """Format a table for a text, with five digits after the point."""
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in _rows(sheet, digits=5)]
    line = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, line, *rows]) + "\n"


def save_scores(path: Path, sheet: ScoreSheet, truth: str) -> None:
    """Write a sheet: JSON if the name ends in ``.json``, otherwise CSV.

    JSON has what ``napari-unets evaluate --json --per-slice`` prints, for each prediction; the thresholds are in it.

    Parameters
    ----------
    path : Path
        The file; it is replaced.
    sheet : ScoreSheet
        The scores.
    truth : str
        Name of the ground truth.

    Raises
    ------
    ScoresNotSavedError
        If the file cannot be written.
    """
    try:
        _write(path, sheet, truth)
    except OSError as error:
        why = f"the scores cannot be written ({error.strerror}). Choose another place"
        raise ScoresNotSavedError(f"{path}: {why}") from error


def _write(path: Path, sheet: ScoreSheet, truth: str) -> None:
    if path.suffix.lower() == ".json":
        found: list[dict[str, Any]] = [
            {"prediction": result.name, "truth": truth, **json.loads(to_json(scores))}
            for result, scores in zip(sheet.results, sheet.scores, strict=True)
        ]
        path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_rows(sheet, digits=None))


def _rows(sheet: ScoreSheet, digits: int | None) -> list[list[str]]:
    """Header, slices and, last, the means."""
    head = ["slice", *(sheet.column_name(column, full=True) for column in sheet.columns)]
    order = [*range(1, sheet.n_rows), 0] if sheet.n_rows else []
    return [head, *([sheet.row_name(i), *(_text(sheet.value(i, c), digits) for c in sheet.columns)] for i in order)]


def _text(value: float | None, digits: int | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return repr(value) if digits is None else f"{value:.{digits}f}"
