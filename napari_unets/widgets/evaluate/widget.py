"""Evaluate widget: predictions against a ground truth, in figures, in curves and on the canvas."""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_unets.jobs.tasks.evaluation import Scored
from napari_unets.widgets.evaluate.error_marks_layer import error_marks, legend_of_errors
from napari_unets.widgets.evaluate.error_marks_run import ErrorMarksRun
from napari_unets.widgets.evaluate.form import EvaluateForm
from napari_unets.widgets.evaluate.layers import record_of
from napari_unets.widgets.evaluate.live_note import LiveNote
from napari_unets.widgets.evaluate.live_scores import LiveScores
from napari_unets.widgets.evaluate.reader import EvaluateReader
from napari_unets.widgets.evaluate.results import EvaluateResults
from napari_unets.widgets.evaluate.run import EvaluateRequest, EvaluateRun
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.notes import Mood
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.run_panel import RunPanel
from napari_unets.widgets.parts.session import shared_worker
from napari_unets.widgets.parts.shared_threshold import membrane_threshold, shared_threshold
from napari_unets.widgets.parts.slice_position import go_to_slice, shown_slice

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["EvaluateWidget"]

_WIDTH = 440
_LARGEST_READ = 200_000_000


class EvaluateWidget(Panel):
    """Score predictions against a ground-truth layer, and show where they are wrong.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to compare.
    """

    #: A run is over: whether everything was done.
    run_ended = Signal(bool)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._run: EvaluateRun | ErrorMarksRun | None = None
        # what the scores that are shown are of, and not what is being scored
        self._request: EvaluateRequest | None = None
        self._layers: list[weakref.ref[Layer]] = []
        self._truth: weakref.ref[Layer] | None = None
        self._asked: tuple[EvaluateRequest, list[weakref.ref[Layer]], weakref.ref[Layer]] | None = None
        self._reader = EvaluateReader()
        self.form = EvaluateForm(napari_viewer)
        self.run_panel = RunPanel("Evaluate", "slices")
        self.live = QCheckBox("Live: score this slice after each stroke")
        self.live_note = LiveNote()
        self.results = EvaluateResults(napari_viewer)
        self._live = LiveScores(napari_viewer, self._reader, self)
        self._lay_out()
        self._connect()
        self._chosen()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough for a table."""
        return QSize(_WIDTH, super().sizeHint().height())

    def _lay_out(self) -> None:
        self._room = QWidget()
        self.results.hide()
        self.column.setSpacing(8)
        self.column.setAlignment(Qt.AlignmentFlag(0))  # the table takes what room there is
        for part in (self.form, self.run_panel, self.live, self.live_note):
            self.column.addWidget(part)
        self.column.addWidget(self.results, 1)
        self.column.addWidget(self._room, 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._chosen)
        self.run_panel.run_clicked.connect(self._start)
        self.run_panel.stop_clicked.connect(self._stop)
        self.live.toggled.connect(self._chosen)
        self._live.outdated.connect(self._chosen)
        self._reader.read.connect(self.form.show_reading)
        self._reader.scored.connect(self._scored_live)
        self._reader.failed.connect(self._show_failure)
        self.results.slice_wanted.connect(self._go_to)
        self.results.errors_wanted.connect(self._mark_errors)
        self.results.threshold_wanted.connect(self._use_threshold)
        self._viewer.dims.events.current_step.connect(self._moved)
        self.when_closed(self._stop_run, self._reader.close)

    def _chosen(self, _: object = None) -> None:
        """Read what is chosen, if that is quick or wanted, and follow the strokes in it."""
        request = self.form.request()
        self.run_panel.run.setEnabled(request is not None and self._run is None)
        self.live_note.forget()
        self._live.switch_off()
        if request is None:
            self.form.rule.say(self.form.missing())
            return
        if self.live.isChecked() and self.form.truth.layer is not None:
            self._live.follow(self.form.truth.layer, self.form.predictions.layers)
        if self._live.on or math.prod(request.truth.shape) * (1 + len(request.candidates)) <= _LARGEST_READ:
            self._reader.ask_for_reading(request)
        else:
            self.form.rule.say("Too large to look into at once: the scores will come with what was taken for what.")

    def _start(self) -> None:
        request = self.form.request()
        if request is None or self._run is not None or self.form.truth.layer is None:
            return
        self._asked = request, list(map(weakref.ref, self.form.predictions.layers)), weakref.ref(self.form.truth.layer)
        self._run = EvaluateRun(shared_worker(), request)
        self._run.waiting.connect(self.run_panel.wait)
        self._run.begun.connect(self.run_panel.say)
        self._run.progressed.connect(self.run_panel.progress)
        self._run.ended.connect(self._ended)
        self._run.failed.connect(self._failed)
        self.run_panel.start("Reading the layers …")
        self._run.start()

    def _stop(self) -> None:
        if self._run is not None:
            self.run_panel.stopping()
            self._stop_run()

    def _stop_run(self) -> None:
        if self._run is not None:
            self._run.stop()

    def _ended(self, results: list[Scored], complete: bool) -> None:
        done, total = (sum(sizes) for sizes in ([len(r.slices) for r in results], [r.n_slices for r in results]))
        errors = [f"{result.name}: {result.error}" for result in results if result.error]
        doubts = [f"{result.name}: {result.doubt}" for result in results if result.doubt]
        if done and self._asked is not None:
            self._request, self._layers, self._truth = self._asked
            self.results.show_results(results, self._request.truth_name)
            self.results.show()
            self._room.hide()
            self._moved()
        mood: Mood
        if not complete:
            message, mood = f"Stopped. {done} of {total} slices are done." if total else "Stopped.", "plain"
        elif errors or doubts:
            message, mood = "\n".join([*errors, *doubts]), "warning" if done else "error"
        else:
            message, mood = f"{total} {'slice' if total == 1 else 'slices'} scored", "good"
        self._over(message, mood)
        self.run_ended.emit(complete)

    def _failed(self, error: Exception) -> None:
        self._over(str(error), "error")
        self.run_ended.emit(False)
        announce(error)

    def _over(self, message: str, mood: Mood) -> None:
        self._run = None
        self.run_panel.finish(message, mood)
        self.run_panel.run.setEnabled(self.form.request() is not None)

    def _show_failure(self, error: Exception) -> None:
        self.run_panel.message.say(str(error), "error")
        announce(error)

    def _truth_layer(self) -> Layer | None:
        return self._truth() if self._truth is not None else None

    def _go_to(self, index: tuple[int, ...]) -> None:
        if (layer := self._truth_layer()) is not None:
            go_to_slice(self._viewer, layer, index)

    def _moved(self, _event: object = None) -> None:
        """Mark in table and plot the slice that the viewer shows."""
        layer = self._truth_layer()
        shape = next((result.shape for result in self.results.sheet.results if result.slices), None)
        if layer is not None and shape is not None:
            self.results.mark_slice(shown_slice(self._viewer, layer, shape))

    def _mark_errors(self, number: int) -> None:
        layer, request = self._layers[number](), self._request
        result = self.results.sheet.results[number]
        if self._run is not None or request is None or result.settings is None:
            return
        if layer is None or layer not in self._viewer.layers:
            self.run_panel.finish(f"{result.name} was removed. Evaluate again.", "warning")
            return
        of_documents = result.settings.of_documents
        marks = error_marks(layer, result.shape, of_documents=of_documents)
        if marks.layer.name in self._viewer.layers:
            self._viewer.layers.remove(marks.layer.name)
        self._viewer.add_layer(marks.layer)
        self._run = ErrorMarksRun(self._viewer, shared_worker(), marks)
        self._run.waiting.connect(self.run_panel.wait)
        self._run.progressed.connect(self.run_panel.progress)
        self._run.ended.connect(lambda pixels, complete: self._marked(pixels, complete, of_documents))
        self._run.failed.connect(self._failed)
        self.run_panel.start("Marking the errors …")
        threshold = result.best_threshold
        self._run.start(
            request.candidates[number],
            request.truth,
            request.settings,
            threshold=0.5 if threshold is None or of_documents else threshold,
            first=self._number_shown(result),
        )

    def _number_shown(self, result: Scored) -> int:
        layer = self._truth_layer()
        if layer is None:
            return 0
        index = shown_slice(self._viewer, layer, result.shape)
        return next((i for i, scores in enumerate(result.slices) if scores.index == index), 0)

    def _marked(self, pixels: int, complete: bool, of_documents: bool) -> None:
        found = f"{pixels} pixels are marked." if pixels else "There are no errors."
        self._over(found if complete else f"Stopped. {found}", "plain" if pixels else "good")
        self.results.errors_legend.say(legend_of_errors(of_documents), rich=True)
        self.run_ended.emit(complete)

    def _use_threshold(self, number: int) -> None:
        best = self.results.sheet.results[number].best_threshold
        if best is None:
            return
        layer = self._layers[number]()
        model = record_of(layer).get("model", "") if layer is not None else ""
        shared_threshold(self._viewer).set(membrane_threshold(best), model)
        where = f" with {model}" if model else ""
        self.run_panel.message.say(
            f"The Segment widget now uses threshold {membrane_threshold(best):g}{where}.", "good"
        )

    def _scored_live(self, anew: Sequence[Scored]) -> None:
        """Show the scores of the slice that was painted on, in the table too if it is of the same layers."""
        index = next((one.slices[0].index for one in anew if one.slices), None)
        if index is None or not self._live.on:
            return
        rows = [one.scores for one in anew]
        if self._is_in_table(anew):
            self.results.replace_slice(anew)
            rows = self.results.row(index)
        self.live_note.tell(index, [one.name for one in anew], rows)

    def _is_in_table(self, anew: Sequence[Scored]) -> bool:
        shown = self.results.sheet.results
        layers = [reference() for reference in self._layers]
        return (
            [one.settings for one in shown] == [one.settings for one in anew]
            and layers == self.form.predictions.layers
            and self._truth_layer() is self.form.truth.layer
            and all(new.slices[0].index in [s.index for s in old.slices] for old, new in zip(shown, anew, strict=True))
        )
