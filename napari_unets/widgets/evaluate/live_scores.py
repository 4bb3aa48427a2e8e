"""Score the slice on the canvas anew after each stroke."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Qt, Signal

from napari_unets.metrics import Evaluation
from napari_unets.widgets.evaluate.reader import EvaluateReader
from napari_unets.widgets.parts.slice_position import shown_slice
from napari_unets.widgets.parts.strokes import Strokes

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_unets.metrics.reading import Reading

__all__ = ["LiveScores"]


class LiveScores(QObject):
    """Asks the reader for the scores of the slice that is shown, while it is switched on.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders say which slice.
    reader : EvaluateReader
        Computes the scores, and tells them.
    """

    #: The layers have to be read again: a value was painted that they did not have, or they have other arrays.
    outdated = Signal()

    def __init__(self, viewer: ViewerModel, reader: EvaluateReader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._reader = reader
        self._truth: Layer | None = None
        self._predictions: list[Layer] = []
        self._found: Sequence[Evaluation | str] = ()
        self._strokes = Strokes(self)
        # queued, since napari tells of a stroke before it writes the values
        self._strokes.painted.connect(self._painted, Qt.ConnectionType.QueuedConnection)
        self._strokes.redrawn.connect(lambda: self.ask())
        self._strokes.replaced.connect(self.outdated)
        reader.read.connect(self._take)

    @property
    def on(self) -> bool:
        """Whether strokes are followed."""
        return self._truth is not None

    def follow(self, truth: Layer, predictions: Sequence[Layer]) -> None:
        """Switch on, with these layers; they still have to be read."""
        self._truth, self._predictions, self._found = truth, list(predictions), ()
        self._strokes.follow([truth, *predictions])

    def switch_off(self) -> None:
        """Follow nothing."""
        self._truth, self._predictions, self._found = None, [], ()
        self._strokes.follow([])

    def ask(self, only: int | None = None) -> None:
        """Ask for the scores of the slice that is shown; of one prediction alone, if no other has changed."""
        evaluation = next((one for one in self._found if isinstance(one, Evaluation)), None)
        if self._truth is not None and evaluation is not None:
            self._reader.ask_for_scores(shown_slice(self._viewer, self._truth, evaluation.shape), only)

    def _take(self, _request: object, found: Sequence[Evaluation | str]) -> None:
        if self.on:
            self._found = found
            self.ask()

    def _painted(self, layer: Layer, value: int, _planes: set[int]) -> None:
        # while they are being read, the stroke may have come too late to be seen
        if self._found and all(_has(reading, value) for reading in self._readings(layer)):
            self.ask(self._predictions.index(layer) if layer in self._predictions else None)
        else:
            self.outdated.emit()

    def _readings(self, layer: Layer) -> list[Reading]:
        if layer is self._truth:
            return [one.truth for one in self._found if isinstance(one, Evaluation)]
        found = zip(self._predictions, self._found, strict=False)
        return [one.prediction for of, one in found if of is layer and isinstance(one, Evaluation)]


def _has(reading: Reading, value: int) -> bool:
    """Whether a further pixel of a value changes nothing about what an image's values are."""
    return value == 0 or value in reading.values or reading.form == "instances"
