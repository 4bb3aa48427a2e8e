"""Curves of scores, in napari's colours. This needs pyqtgraph, which is imported here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyqtgraph as pg
from napari.utils.theme import get_theme
from qtpy.compat import isalive
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["Curve", "ScorePlot"]


@dataclass(frozen=True)
class Curve:
    """A line with points.

    Attributes
    ----------
    colour : str
        ``"#rrggbb"``.
    x, y : sequence of float
        Points; a y of NaN leaves a gap.
    style : {"solid", "dash", "dot"}
        Of the line.
    best : int or None
        Number of the point to be marked.
    """

    colour: str
    x: Sequence[float]
    y: Sequence[float]
    style: str = "solid"
    best: int | None = None


_STYLES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}
_MANY = 200  # points: more of them are drawn as a line alone


class _WholeNumbers(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:  # noqa: N802, ARG002
        """Leave out what lies between two slices."""
        return [f"{value:.0f}" if float(value).is_integer() else "" for value in values]


class ScorePlot(pg.PlotWidget):  # type: ignore[misc]  # pyqtgraph has no types
    """A plot that follows the viewer's theme.

    Parameters
    ----------
    viewer : ViewerModel
        Whose theme to follow.
    whole_x : bool
        Label whole numbers alone on the x axis.
    """

    #: Somebody clicked into the plot, here on the x axis.
    x_clicked = Signal(float)

    def __init__(self, viewer: ViewerModel, *, whole_x: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"bottom": _WholeNumbers("bottom")} if whole_x else None)
        self._viewer = viewer
        self.curves: list[Curve] = []
        self.setMenuEnabled(False)
        self.setMouseEnabled(x=False, y=False)  # there would be no way back
        self.hideButtons()
        self.getPlotItem().showGrid(x=True, y=True, alpha=0.15)
        for side in ("left", "bottom"):
            self.getPlotItem().getAxis(side).enableAutoSIPrefix(False)  # scores go up to 1, or to 100
        self._here = pg.InfiniteLine(angle=90)
        self._here.setVisible(False)
        self.scene().sigMouseClicked.connect(self._clicked)
        viewer.events.theme.connect(self._follow_theme)
        self._follow_theme()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Not the 640 × 480 of a window of its own."""
        return QSize(300, 160)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the panel that the plot is in."""
        event.ignore()

    def show_curves(self, curves: Sequence[Curve], x_label: str, y_label: str) -> None:
        """Draw curves instead of those before."""
        self.curves = list(curves)
        item = self.getPlotItem()
        item.clear()
        item.setLabel("bottom", x_label)
        item.setLabel("left", y_label)
        item.addItem(self._here, ignoreBounds=True)
        for curve in curves:
            pen = pg.mkPen(curve.colour, width=2, style=_STYLES[curve.style])
            points: dict[str, Any] = {"symbol": None}
            if curve.style == "solid" and len(curve.x) <= _MANY:
                points = {"symbol": "o", "symbolSize": 6, "symbolBrush": curve.colour, "symbolPen": None}
            item.plot(list(curve.x), list(curve.y), pen=pen, connect="finite", **points)
            if curve.best is not None:
                spot = [curve.x[curve.best]], [curve.y[curve.best]]
                item.plot(*spot, pen=None, symbol="star", symbolSize=17, symbolBrush=curve.colour, symbolPen=None)
        item.autoRange()

    def mark(self, x: float | None) -> None:
        """Draw a vertical line, or none."""
        self._here.setVisible(x is not None)
        if x is not None:
            self._here.setValue(x)

    def _follow_theme(self, _event: object = None) -> None:
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        theme = get_theme(self._viewer.theme)
        text = theme.text.as_hex()
        self.setBackground(theme.background.as_hex())
        self._here.setPen(pg.mkPen(text, width=1, style=Qt.PenStyle.DashLine))
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)

    def _clicked(self, event: Any) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.sceneBoundingRect().contains(event.scenePos()):
            self.x_clicked.emit(float(self.getPlotItem().vb.mapSceneToView(event.scenePos()).x()))
