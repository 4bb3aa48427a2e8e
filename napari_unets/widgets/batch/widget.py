"""Batch widget: many inputs, one model, a queue that says of each what has become of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QFileDialog, QFormLayout
from superqt.utils import create_worker

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.report import batch_report, write_report
from napari_unets.jobs.outputs.opening import Opening
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.models import ModelStore
from napari_unets.widgets.batch.buttons import BatchButtons
from napari_unets.widgets.batch.control import BatchControl
from napari_unets.widgets.batch.outputs import BatchOutputs
from napari_unets.widgets.batch.result import read_result
from napari_unets.widgets.batch.rows import BatchRows
from napari_unets.widgets.batch.sources import BatchSources
from napari_unets.widgets.batch.table import BatchTable
from napari_unets.widgets.parts.advanced_settings import AdvancedSettings
from napari_unets.widgets.parts.device_choice import DeviceChoice
from napari_unets.widgets.parts.model_choice import ModelChoice
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.run_panel import RunPanel
from napari_unets.widgets.parts.settings_form import SettingsForm

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_unets.widgets.files.readers import LayerData

__all__ = ["BatchWidget"]

_LABELS = {
    "min_size": "Smallest object (px)",
    "link": "Same ids in all slices (instances)",
    "merge_below": "Merge borders below",
    "ortho": "Average xy, xz and yz",
    "dpi": "Pixels an inch (PDF)",
    "colour": "Ink keeps its colour",
    "invert": "Exchange bright and dark of the inputs",
}


class BatchWidget(Panel):
    """Run a model over many files; each result is a file.

    The work is done in the worker process. Files and folders can be dropped anywhere on the widget.

    Parameters
    ----------
    napari_viewer : Viewer
        Gets the results that are opened.
    """

    #: A run is over: whether every input had its turn.
    run_ended = Signal(bool)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._store = ModelStore()
        self.setAcceptDrops(True)
        self.sources = BatchSources()
        self.rows = BatchRows()
        self.table = BatchTable(self.rows)
        self.buttons = BatchButtons()
        self.model = ModelChoice(self._store)
        self.outputs = BatchOutputs()
        self.device = DeviceChoice()
        self.opening = SettingsForm(Opening, leave_out=("voxel_size_nm",), labels=_LABELS)
        self.advanced = AdvancedSettings(
            SettingsForm(OutputSettings, leave_out=("kind",), labels=_LABELS),
            "Dask scheduler (its workers see the files under the same paths)",
            self.opening,
        )
        self.run_panel = RunPanel("Run", "inputs")
        self.missing = Note()
        self.control = BatchControl(self.rows, self.run_panel)
        self._lay_out()
        self._connect()
        self.device.follow(self.advanced.scheduler)
        self._refresh()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Model", self.model)
        form.addRow("Device", self.device)
        self.outputs.add_rows(form)
        for part in (self.sources, self.table, self.buttons):
            self.column.addWidget(part)
        self.column.addLayout(form)
        self.column.addWidget(self.missing)
        self.column.addWidget(self.run_panel)
        self.column.addWidget(self.advanced)  # last: unfolding it moves neither Run nor its messages out of sight

    def _connect(self) -> None:
        self.sources.found.connect(self.add)
        self.table.selection_changed.connect(self._refresh)
        self.table.row_opened.connect(self.open_result)
        self.rows.rowsInserted.connect(self._refresh)
        self.rows.modelReset.connect(self._refresh)
        self.model.model_changed.connect(self._refresh)
        self.outputs.changed.connect(self._refresh)
        self.buttons.remove.clicked.connect(self._remove)
        self.buttons.retry.clicked.connect(self._retry)
        self.buttons.open.clicked.connect(self._open_selected)
        self.buttons.save.clicked.connect(self._save_report)
        self.run_panel.run_clicked.connect(self._start)
        self.run_panel.stop_clicked.connect(self.control.stop)
        self.control.moved.connect(self.table.show_row)
        self.control.ended.connect(self._ended)
        self.when_closed(self.control.abandon)

    def add(self, sources: list[str]) -> None:
        """Add inputs to the queue; those that are in it already stay as they are."""
        self.rows.add(sources)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802 - Qt's name
        """Accept files."""
        if event is not None and (mime := event.mimeData()) is not None and mime.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802 - Qt's name
        """Take files and folders as if they had been named."""
        if event is not None and (mime := event.mimeData()) is not None:
            self.sources.look([url.toLocalFile() for url in mime.urls() if url.isLocalFile()])

    def _refresh(self, *_: object) -> None:
        """Enable what can be done now."""
        rows, busy = self.rows.rows, self.control.is_busy
        selected = [rows[number] for number in self.table.selected]
        example = selected[0].item.sources[0] if selected else rows[0].item.sources[0] if rows else "sections.tif"
        card = self.model.card
        self.outputs.show_example(example, card.name if card is not None else "")
        missing = "" if self.outputs.place is not None else "Choose a folder for the results."
        self.missing.say(missing if rows else "Add what is to be segmented.")
        ready = bool(rows) and card is not None and not missing
        self.run_panel.run.setEnabled(ready and not busy)
        self.buttons.remove.setEnabled(bool(rows) and not busy)
        self.buttons.retry.setEnabled(ready and not busy and bool(self.rows.numbers("failed")))
        self.buttons.open.setEnabled(any(row.status in ("done", "skipped") for row in selected))
        self.buttons.save.setEnabled(self.control.batch is not None)

    def _remove(self) -> None:
        self.rows.remove(self.table.selected or range(len(self.rows.rows)))

    def _start(self) -> None:
        self._run(None)

    def _retry(self) -> None:
        self._run(self.rows.numbers("failed"))

    def _run(self, numbers: list[int] | None) -> None:
        """Begin with some rows, or with all."""
        card, place = self.model.card, self.outputs.place
        if card is None or place is None or self.control.is_busy:
            return
        try:
            self.control.start(
                self.advanced.scheduler.worker,
                numbers,
                model=self._store.folder(self.model.name),
                name=card.name,
                folder=place,
                pattern=self.outputs.pattern.text().strip(),
                output=self.advanced.output.value(kind=self.outputs.kind),
                settings=self.advanced.inference.value(device=self.device.device),
                existing=self.outputs.existing,
                opening=self.opening.value(),
            )
        except NapariUnetsError as error:
            self.run_panel.finish(str(error), "error")
        self._refresh()

    def _ended(self, complete: bool, error: Exception | None) -> None:
        self._refresh()
        self.run_ended.emit(complete)
        if error is not None and not isinstance(error, NapariUnetsError):
            raise error

    def _open_selected(self) -> None:
        for number in self.table.selected:
            self.open_result(number)

    def open_result(self, number: int) -> None:
        """Open the output of a row, above its image, as layers; nothing if there is none."""
        row = self.rows.rows[number]
        if row.status not in ("done", "skipped"):
            return
        source = row.item.sources[0]
        shown = {layer.metadata.get("path") for layer in self._viewer.layers}
        worker: Any = create_worker(
            read_result, None if source in shown else source, row.item.target, _ignore_errors=True
        )
        worker.returned.connect(self._show)
        worker.errored.connect(partial(self._tell_unreadable, row.item.target))
        worker.start()

    def _show(self, layers: list[LayerData]) -> None:
        for data, keywords, kind in layers:
            self._viewer.add_layer(Layer.create(data, keywords, kind))

    def _tell_unreadable(self, target: Path, error: Exception) -> None:
        if not isinstance(error, NapariUnetsError | OSError):
            raise error
        show_error(str(error) if str(target) in str(error) else f"{target}: {error}")

    def _save_report(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the report", "report.json", "JSON (*.json)")
        if path and self.control.batch is not None:
            try:
                write_report(Path(path), batch_report(self.control.batch, self.rows.rows, self.control.ready))
            except NapariUnetsError as error:
                show_error(str(error))
