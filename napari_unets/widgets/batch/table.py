"""A table view of a batch's rows, with a bar in the row that runs."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QModelIndex, QRect, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_unets.widgets.batch.rows import TONE_ROLE, BatchRows
from napari_unets.widgets.parts.notes import Mood, Note
from napari_unets.widgets.parts.tones import tone_colour

__all__ = ["BatchTable"]

_ROW_HEIGHT = 26
_BAR_HEIGHT = 4
_STATE_WIDTH = 120
_LOWEST, _HIGHEST = 4, 10  # rows to be seen without scrolling


class _Bar(QStyledItemDelegate):
    """Draws the text in the colour of its tone, and the fraction that is done as a bar below it."""

    def initStyleOption(self, option: QStyleOptionViewItem | None, index: QModelIndex) -> None:  # noqa: N802
        """Colour the text."""
        super().initStyleOption(option, index)
        if option is not None and (tone := index.data(TONE_ROLE)) is not None:
            option.palette.setColor(QPalette.ColorRole.Text, QColor(tone_colour(tone, option.palette)))

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().paint(painter, option, index)
        fraction = index.data(Qt.ItemDataRole.UserRole)
        if fraction is None or painter is None:
            return
        cell: QRect = option.rect
        bar = QRect(cell.left() + 3, cell.bottom() - _BAR_HEIGHT - 1, cell.width() - 6, _BAR_HEIGHT)
        painter.fillRect(bar, QColor(128, 128, 128, 90))
        bar.setWidth(round(bar.width() * fraction))
        painter.fillRect(bar, QColor("#4fa3d1"))


class BatchTable(QWidget):
    """The table, and below it all that is known of the row that is selected.

    Parameters
    ----------
    rows : BatchRows
        What to show.
    """

    #: Other rows are selected.
    selection_changed = Signal()
    #: A row was double-clicked: its number.
    row_opened = Signal(int)

    def __init__(self, rows: BatchRows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = rows
        self.view = QTableView()
        self.view.setModel(rows)
        self.view.setItemDelegateForColumn(1, _Bar(self.view))
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.note = Note()
        self._fit_columns()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.view)
        layout.addWidget(self.note)
        rows.rowsInserted.connect(self._fit_height)
        rows.modelReset.connect(self._reset)
        rows.dataChanged.connect(self._changed)
        if (selection := self.view.selectionModel()) is not None:
            selection.selectionChanged.connect(self._selected)
        self.view.doubleClicked.connect(lambda index: self.row_opened.emit(index.row()))
        self._fit_height()

    @property
    def selected(self) -> list[int]:
        """Numbers of the rows that are selected."""
        selection = self.view.selectionModel()
        return [] if selection is None else sorted(index.row() for index in selection.selectedRows())

    def show_row(self, number: int) -> None:
        """Scroll to a row."""
        self.view.scrollTo(self.rows.index(number, 0))

    def _fit_columns(self) -> None:
        across, down = self.view.horizontalHeader(), self.view.verticalHeader()
        if across is not None:
            across.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            across.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
            across.resizeSection(1, _STATE_WIDTH)
            across.setHighlightSections(False)
        if down is not None:
            down.hide()
            down.setDefaultSectionSize(_ROW_HEIGHT)

    def _fit_height(self, *_: object) -> None:
        header = self.view.horizontalHeader()
        above = 0 if header is None else header.sizeHint().height()
        shown = min(max(self.rows.rowCount(), _LOWEST), _HIGHEST)
        self.view.setFixedHeight(above + shown * _ROW_HEIGHT + 2 * self.view.frameWidth())

    def _reset(self) -> None:
        self._fit_height()
        self._selected()

    def _selected(self, *_: object) -> None:
        self._describe()
        self.selection_changed.emit()

    def _changed(self, first: QModelIndex, last: QModelIndex) -> None:
        if any(first.row() <= number <= last.row() for number in self.selected):
            self._selected()

    def _describe(self) -> None:
        """Say of a single selected row where its output is, or why there is none."""
        selected = self.selected
        if len(selected) != 1:
            self.note.say("")
            return
        row = self.rows.rows[selected[0]]
        text = row.reason
        if row.status in ("done", "skipped") and row.item.target != Path():
            text = f"{row.item.target}\n{row.reason}".strip()
        mood: Mood = "error" if row.status == "failed" else "plain"
        self.note.say(text or row.item.sources[0], mood)
