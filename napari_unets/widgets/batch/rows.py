"""The queue of a batch as a table: an input each, how far it is, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from napari_unets.images.remote import is_address
from napari_unets.jobs.batch.events import BatchItem, Row, Status
from napari_unets.jobs.outputs.safe_places import plain_place
from napari_unets.widgets.parts.notes import time_in_words
from napari_unets.widgets.parts.tones import Tone

__all__ = ["TONE_ROLE", "BatchRows"]

_COLUMNS = ("Input", "State")
_TONES: dict[Status, Tone] = {"done": "good", "skipped": "faint", "failed": "error", "stopped": "warning"}

#: Role of the tone of a cell's text; its colour depends on the theme.
TONE_ROLE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()


class BatchRows(QAbstractTableModel):
    """Rows of a batch for a table view.

    The second column gives the fraction that is done under Qt's ``UserRole``, and None of rows that do not run.
    """

    def __init__(self) -> None:
        super().__init__()
        #: The rows; change them through the methods only.
        self.rows: list[Row] = []

    @property
    def sources(self) -> list[str]:
        """The input of each row."""
        return [row.item.sources[0] for row in self.rows]

    def add(self, sources: Sequence[str]) -> int:
        """Add inputs, those that are there already left out; return how many there were to add.

        Paths are made absolute, so that each input has one name, and the same one in the worker process.
        """
        known = set(self.sources)
        new = [source for source in dict.fromkeys(map(_named, sources)) if source not in known]
        if new:
            self.beginInsertRows(_NOWHERE, len(self.rows), len(self.rows) + len(new) - 1)
            self.rows += [Row(BatchItem((source,), Path())) for source in new]
            self.endInsertRows()
        return len(new)

    def remove(self, numbers: Sequence[int]) -> None:
        """Take rows out."""
        self.beginResetModel()
        gone = set(numbers)
        self.rows = [row for number, row in enumerate(self.rows) if number not in gone]
        self.endResetModel()

    def replace_sources(self, sources: Sequence[str]) -> None:
        """Have other inputs; rows whose input stays keep what has become of them."""
        self.beginResetModel()
        known = dict(zip(self.sources, self.rows, strict=True))
        self.rows = [known.get(source) or Row(BatchItem((source,), Path())) for source in sources]
        self.endResetModel()

    def set(self, number: int, row: Row) -> None:
        """Change a row."""
        self.rows[number] = row
        self.dataChanged.emit(self.index(number, 0), self.index(number, 1))

    def progress(self, number: int, fraction: float) -> None:
        """Set how much of a row is done."""
        self.set(number, replace(self.rows[number], status="running", fraction=fraction))

    def numbers(self, *statuses: Status) -> list[int]:
        """Numbers of the rows of some statuses."""
        return [number for number, row in enumerate(self.rows) if row.status in statuses]

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802 - Qt's name
        """Return the columns' titles."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, tone, tool tip and progress of a cell."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return Path(row.item.sources[0]).name if index.column() == 0 else state_of(row)
            case Qt.ItemDataRole.ToolTipRole:
                return row.item.sources[0] if index.column() == 0 else row.reason or None
            case _ if role == TONE_ROLE:
                return _TONES.get(row.status) if index.column() == 1 else None
            case Qt.ItemDataRole.UserRole if index.column() == 1 and row.status == "running":
                return row.fraction
        return None


def state_of(row: Row) -> str:
    """Say in a few words what has become of a row."""
    match row.status:
        case "running":
            return f"{row.fraction:.0%}"
        case "done":
            return f"done in {time_in_words(row.seconds)}"
        case "failed":
            return f"failed: {row.reason.removeprefix(row.item.sources[0] + ': ')}"  # the row names it already
        case _:
            return row.status


def _named(source: str) -> str:
    return source if is_address(source) else plain_place(source)
