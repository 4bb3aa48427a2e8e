"""What the scores are: legend, table, plots, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_unets.jobs.tasks.evaluation import Scored
from napari_unets.widgets.evaluate.score_export import ScoresNotSavedError, save_scores, to_markdown, to_tsv
from napari_unets.widgets.evaluate.score_plots import SlicePlot, ThresholdPlot
from napari_unets.widgets.evaluate.score_sheet import COLOURS, ScoreSheet, letter
from napari_unets.widgets.evaluate.score_table import ScoreTable
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.shared_threshold import membrane_threshold

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["EvaluateResults"]

_TABS_HEIGHT = 230


class EvaluateResults(QWidget):
    """Shows the scores of one run.

    Parameters
    ----------
    viewer : ViewerModel
        Whose theme the plots follow.
    """

    #: Somebody wants to see a slice: its index, along the axes before y.
    slice_wanted = Signal(object)
    #: Somebody wants the errors of a prediction marked: its number.
    errors_wanted = Signal(int)
    #: Somebody wants the best threshold of a prediction used: its number.
    threshold_wanted = Signal(int)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._truth = ""
        self.legend = Note()
        self.table = ScoreTable()
        self.slice_plot = SlicePlot(viewer)
        self.threshold_plot = ThresholdPlot(viewer)
        self.tabs = _Tabs()
        for page, title in (
            (self.table, "Table"),
            (self.slice_plot, "Over slices"),
            (self.threshold_plot, "Over thresholds"),
        ):
            self.tabs.addTab(page, title)
        self.tabs.setMinimumHeight(_TABS_HEIGHT)
        self.copy_tsv = QPushButton("Copy TSV")
        self.copy_markdown = QPushButton("Copy Markdown")
        self.save = QPushButton("Save …")
        self.save.setToolTip("As CSV or JSON")
        self.which = QComboBox()
        self.which.setToolTip("The prediction that the two buttons beside are for")
        self.errors = QPushButton("Show errors")
        self.errors.setToolTip("A layer that marks where the prediction is wrong")
        self.errors_legend = Note()
        self.threshold = QPushButton()
        self._lay_out()
        self.tabs.currentChanged.connect(self._draw)
        self.table.slice_clicked.connect(self._ask_for_slice)
        self.slice_plot.slice_clicked.connect(self._ask_for_slice)
        self.which.currentIndexChanged.connect(self._offer)
        self.errors.clicked.connect(lambda: self.errors_wanted.emit(self.which.currentIndex()))
        self.threshold.clicked.connect(lambda: self.threshold_wanted.emit(self.which.currentIndex()))
        self.copy_tsv.clicked.connect(lambda: _copy(to_tsv(self.sheet)))
        self.copy_markdown.clicked.connect(lambda: _copy(to_markdown(self.sheet)))
        self.save.clicked.connect(self._save)

    @property
    def sheet(self) -> ScoreSheet:
        """The scores that are shown."""
        return self.table.sheet

    def show_results(self, results: Sequence[Scored], truth: str) -> None:
        """Show the scores of a run.

        Parameters
        ----------
        results : sequence of Scored
            One for each prediction.
        truth : str
            Name of the truth.
        """
        self._truth = truth
        blocked = self.which.blockSignals(True)
        self.which.clear()
        for number, result in enumerate(results):
            self.which.addItem(letter(number))
            self.which.setItemData(number, result.name, Qt.ItemDataRole.ToolTipRole)
        self.which.blockSignals(blocked)
        self.which.setVisible(len(results) > 1)
        self._show(results)
        self._offer()

    def replace_slice(self, anew: Sequence[Scored]) -> None:
        """Put the scores of one slice, for each prediction, in the place of the old ones."""
        pairs = zip(self.sheet.results, anew, strict=True)
        self._show([old.with_slice(new.slices[0]) if new.slices else old for old, new in pairs])

    def row(self, index: tuple[int, ...]) -> list[dict[str, Any]]:
        """Scores of a slice for each prediction, at the best threshold of all; empty where it was not scored."""
        if index not in self.sheet.indices:
            return [{} for _ in self.sheet.results]
        number = self.sheet.indices.index(index)
        return [scores["per_slice"][number] if scores else {} for scores in self.sheet.scores]

    def mark_slice(self, index: tuple[int, ...]) -> None:
        """Show which slice the viewer shows."""
        number = self.sheet.indices.index(index) if index in self.sheet.indices else None
        self.slice_plot.mark(number)
        if number is not None:
            self.table.select_slice(number)

    def _lay_out(self) -> None:
        export, act = QHBoxLayout(), QHBoxLayout()
        for button in (self.copy_tsv, self.copy_markdown, self.save):
            export.addWidget(button)
        act.addWidget(self.which)
        act.addWidget(self.errors, 1)
        act.addWidget(self.threshold, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.legend)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(export)
        layout.addLayout(act)
        layout.addWidget(self.errors_legend)

    def _show(self, results: Sequence[Scored]) -> None:
        sheet = ScoreSheet(results)
        self.table.show_sheet(sheet)
        self._draw()
        self.legend.say("<br>".join(_legend(sheet, number) for number in range(len(results))), rich=True)

    def _draw(self, _index: int = 0) -> None:
        """Draw the plot that is in front; the others when they come there."""
        page = self.tabs.currentWidget()
        if isinstance(page, SlicePlot | ThresholdPlot) and page.sheet is not self.sheet:
            page.show_sheet(self.sheet)

    def _offer(self, _index: int = 0) -> None:
        number = self.which.currentIndex()
        result = self.sheet.results[number] if 0 <= number < len(self.sheet.results) else None
        self.errors.setEnabled(result is not None and bool(result.slices))
        threshold = result.best_threshold if result is not None else None
        self.threshold.setEnabled(threshold is not None)
        if result is None or threshold is None:
            self.threshold.setText("Use this threshold")
            self.threshold.setToolTip("Probabilities that were scored with V_rand or V_info have a best threshold.")
            return
        self.threshold.setText(f"Use threshold {membrane_threshold(threshold):g}")
        self.threshold.setToolTip(
            f"The score is best where P({_foreground(result)}) is cut at {threshold:g}. That is P(class 1) = "
            f"{membrane_threshold(threshold):g}, which the Segment widget will then use."
        )

    def _ask_for_slice(self, number: int) -> None:
        self.slice_wanted.emit(self.sheet.indices[number])

    def _save(self) -> None:
        path, chosen = QFileDialog.getSaveFileName(
            self, "Save the scores", "scores.csv", "CSV, a table (*.csv);;JSON, with all details (*.json)"
        )
        if not path:
            return
        target = Path(path)
        if not target.suffix:
            target = target.with_suffix(".json" if "json" in chosen else ".csv")
        try:
            save_scores(target, self.sheet, self._truth)
        except ScoresNotSavedError as error:
            announce(error)


class _Tabs(QTabWidget):
    """Tabs that take what height there is, however high the pages would like to be."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(super().sizeHint().width(), _TABS_HEIGHT)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        return False


def _legend(sheet: ScoreSheet, number: int) -> str:
    result = sheet.results[number]
    square = f'<span style="color:{COLOURS[number % len(COLOURS)]}">■</span> '
    name = f"{square}<b>{letter(number)}</b> {escape(result.name)}" if sheet.several else escape(result.name)
    if result.error:
        return f"{name}: {escape(result.error)}"
    best = "" if result.best_threshold is None else f", best at P({_foreground(result)}) &gt; {result.best_threshold:g}"
    done = "" if len(result.slices) == result.n_slices else f", {len(result.slices)} of {result.n_slices} slices"
    return f"{name}{best}{done}"


def _foreground(result: Scored) -> str:
    """Say of what the thresholds are: of what is not 0 in the truth."""
    return "paper" if result.settings is not None and result.settings.of_documents else "cell"


def _copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if clipboard is not None:
        clipboard.setText(text)
