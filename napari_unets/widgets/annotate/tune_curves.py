"""Loss and validation while a model learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_unets.widgets.parts.score_plot import Curve, ScorePlot

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["TuneCurves", "binned"]

_HEIGHT = 118
_POINTS = 60
_LOSS, _SCORE = "#d1794b", "#3f9e8f"


class TuneCurves(QWidget):
    """Two small plots: the loss, and the Dice coefficient on the annotations that were kept aside (0: the parent's).

    Parameters
    ----------
    viewer : ViewerModel
        Whose theme to follow.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = ScorePlot(viewer)
        self.score = ScorePlot(viewer)
        self.score.getPlotItem().getViewBox().setLimits(yMin=0, yMax=1.02)  # around a constant 1 it would be 0.5 to 1.5
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)  # no gaps around the plots
        for plot in (self.loss, self.score):
            plot.setFixedHeight(_HEIGHT)
            plot.getPlotItem().getAxis("left").setWidth(58)
            layout.addWidget(plot)

    def draw(
        self, losses: Sequence[tuple[int, float]], scores: Sequence[tuple[int, float]], kept: int | None = None
    ) -> None:
        """Draw ``(step, value)`` pairs; many losses are drawn as the mean of their neighbours.

        The score of the weights that are kept, those of the step ``kept``, is marked.
        """
        steps, values = binned(losses, _POINTS)
        self.loss.show_curves([Curve(_LOSS, steps.tolist(), values.tolist())], "", "loss")
        self.score.setVisible(bool(scores))
        if scores:
            x, y = [float(step) for step, _ in scores], [value for _, value in scores]
            marked = max((i for i, (step, _) in enumerate(scores) if step == kept), default=None)
            self.score.show_curves([Curve(_SCORE, x, y, best=marked)], "step", "Dice")


def binned(pairs: Sequence[tuple[int, float]], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of at most so many groups of neighbours: their steps and their values."""
    if not pairs:
        return np.empty(0), np.empty(0)
    groups = np.array_split(np.asarray(pairs, np.float64), min(most, len(pairs)))
    means = np.array([group.mean(axis=0) for group in groups])
    return means[:, 0], means[:, 1]
