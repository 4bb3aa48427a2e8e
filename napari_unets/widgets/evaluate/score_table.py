"""The table of scores: sortable, the means always on top; a click on a row says which slice."""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_unets.widgets.evaluate.score_sheet import ScoreSheet

__all__ = ["ScoreTable"]

_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_SORT_ROLE = int(Qt.ItemDataRole.UserRole)


class ScoreTable(QTableView):
    """View of a :class:`ScoreSheet`."""

    #: The row of a slice was clicked: its number, from 0.
    slice_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _Model()
        self._sorted = _MeanFirst()
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(_SORT_ROLE)
        self.setModel(self._sorted)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is not None:
            rows.hide()
            rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            rows.setDefaultSectionSize(self.fontMetrics().height() + 8)
        if columns is not None:
            columns.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            columns.setHighlightSections(False)
        self.clicked.connect(self._clicked)

    @property
    def sheet(self) -> ScoreSheet:
        """What is shown."""
        return self._model.sheet

    def show_sheet(self, sheet: ScoreSheet) -> None:
        """Show other scores; the order of the rows is kept."""
        self._model.show(sheet)

    def text(self, row: int, column: int) -> str:
        """Text of a cell as it is shown, row 0 on top."""
        return str(self._sorted.index(row, column).data() or "")

    def select_slice(self, number: int) -> None:
        """Mark the row of a slice, unless it is marked already."""
        index = self._sorted.mapFromSource(self._model.index(number + 1, 0))
        if index.isValid() and index.row() != self.currentIndex().row():
            self.setCurrentIndex(index)

    def _clicked(self, index: QModelIndex) -> None:
        row = self._sorted.mapToSource(index).row()
        if row > 0:
            self.slice_clicked.emit(row - 1)


class _Model(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.sheet = ScoreSheet([])

    def show(self, sheet: ScoreSheet) -> None:
        same = (sheet.columns, sheet.indices) == (self.sheet.columns, self.sheet.indices)
        if same:  # only values differ: what is selected and scrolled to stays
            self.sheet = sheet
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, self.columnCount() - 1))
            return
        self.beginResetModel()
        self.sheet = sheet
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else self.sheet.n_rows

    def columnCount(self, parent: _Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() or not self.sheet.columns else 1 + len(self.sheet.columns)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "slice" if section == 0 else self.sheet.column_name(self.sheet.columns[section - 1])
        if role == Qt.ItemDataRole.ToolTipRole and section:
            return self.sheet.column_name(self.sheet.columns[section - 1], full=True)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, section = index.row(), index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole and row == 0:
            font = QFont()
            font.setBold(True)
            return font
        if section == 0:
            return {Qt.ItemDataRole.DisplayRole: self.sheet.row_name(row), _SORT_ROLE: row}.get(role)
        column = self.sheet.columns[section - 1]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(self.sheet.value(row, column))
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.sheet.reason(row, column) or None
        return self.sheet.value(row, column) if role == _SORT_ROLE else None


class _MeanFirst(QSortFilterProxyModel):
    def lessThan(self, left: _Index, right: _Index) -> bool:  # noqa: N802 - Qt's name
        """Keep the row of means on top in either order, and undefined scores at the bottom."""
        up = self.sortOrder() == Qt.SortOrder.AscendingOrder
        if 0 in (left.row(), right.row()):
            return (left.row() == 0) == up
        a, b = (_number(index.data(_SORT_ROLE)) for index in (left, right))
        if math.isnan(a) or math.isnan(b):
            return math.isnan(b) == up if math.isnan(a) != math.isnan(b) else False
        return a < b


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _text(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return "∞" if math.isinf(value) else f"{value:.5f}"
