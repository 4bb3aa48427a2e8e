"""The two plots of a sheet of scores: a score over the slices, V_rand over the thresholds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_unets.widgets.evaluate.score_sheet import COLOURS, Column, ScoreSheet, score_name
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.score_plot import Curve, ScorePlot

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["SlicePlot", "ThresholdPlot"]

_HEIGHT = 150


class _PlotPage(QWidget):
    """A plot below a combo box."""

    #: Whether only whole numbers make sense on the x axis.
    whole_x = False

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.sheet = ScoreSheet([])
        self.box = QComboBox()
        self.note = Note()
        self.plot = ScorePlot(viewer, whole_x=self.whole_x)
        self.plot.setMinimumHeight(_HEIGHT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.note)
        layout.addWidget(self.plot, 1)
        self.box.currentIndexChanged.connect(self._draw)

    def show_sheet(self, sheet: ScoreSheet) -> None:
        """Show other scores; the choice is kept where it still exists."""
        self.sheet = sheet
        chosen = self.box.currentData()
        blocked = self.box.blockSignals(True)
        self.box.clear()
        for key in self.choices():
            self.box.addItem(score_name(key), key)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)) if self.box.count() else -1)
        self.box.blockSignals(blocked)
        self._draw()

    def choices(self) -> list[str]:
        """Scores that can be plotted."""
        raise NotImplementedError

    def _draw(self, _index: int = 0) -> None:
        raise NotImplementedError


class SlicePlot(_PlotPage):
    """One score over the slices, a line a prediction. A click goes to a slice."""

    whole_x = True
    #: Number of the slice, from 0.
    slice_clicked = Signal(int)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer)
        self.plot.x_clicked.connect(self._clicked)

    def choices(self) -> list[str]:
        """Every score of the sheet."""
        return self.sheet.keys

    def mark(self, number: int | None) -> None:
        """Show which slice the viewer shows."""
        self.plot.mark(number)

    def _draw(self, _index: int = 0) -> None:
        key = self.box.currentData()
        numbers = range(len(self.sheet.indices))
        curves = []
        for column in self.sheet.columns:
            if column.key == key:
                y = [_finite(self.sheet, i + 1, column) for i in numbers]
                curves.append(Curve(COLOURS[column.prediction % len(COLOURS)], list(numbers), y))
        self.plot.show_curves(curves, "slice", score_name(key) if key else "")

    def _clicked(self, x: float) -> None:
        number = round(x)
        if 0 <= number < len(self.sheet.indices):
            self.slice_clicked.emit(number)


class ThresholdPlot(_PlotPage):
    """V_rand (or V_info) over the thresholds, with its split and merge parts; the best threshold is marked."""

    def choices(self) -> list[str]:
        """V_rand and V_info, of predictions that are probabilities."""
        return list(dict.fromkeys(name for result in self.sheet.results if result.thresholds for name in result.curves))

    def _draw(self, _index: int = 0) -> None:
        key = self.box.currentData()
        curves = []
        for number, result in enumerate(self.sheet.results):
            curve = result.curves.get(key) if result.thresholds else None
            if curve is None:
                continue
            colour = COLOURS[number % len(COLOURS)]
            for part, style in enumerate(("solid", "dash", "dot")):
                best = curve.best if part == 0 else None
                curves.append(Curve(colour, curve.thresholds, curve.means[:, part].tolist(), style, best))
        self.box.setVisible(bool(curves))
        self.plot.setVisible(bool(curves))
        self.note.say("— score    - - split    ··· merge    ★ best" if curves else _NO_CURVES)
        self.plot.show_curves(curves, "threshold of P(what is not 0 in the truth)", score_name(key) if key else "")


_NO_CURVES = "V_rand and V_info have a curve over thresholds where a prediction is probabilities."


def _finite(sheet: ScoreSheet, row: int, column: Column) -> float:
    value = sheet.value(row, column)
    return math.nan if value is None or math.isinf(value) else value
