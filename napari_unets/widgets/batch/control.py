"""Plans a batch for the rows of the table, and keeps table and progress bar up to date while it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs import Worker
from napari_unets.jobs.batch.events import (
    BatchEvent,
    BatchItem,
    BatchJob,
    Ended,
    Existing,
    Progress,
    Ready,
    Row,
    Started,
    counts_of,
)
from napari_unets.jobs.batch.plan import OutputsExistError, plan_items
from napari_unets.jobs.batch.sources import find_sources
from napari_unets.jobs.outputs.opening import Opening
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.widgets.batch.rows import BatchRows
from napari_unets.widgets.batch.run import BatchRun
from napari_unets.widgets.parts.notes import Mood, time_in_words
from napari_unets.widgets.parts.run_panel import RunPanel

__all__ = ["BatchControl"]

_LOOK_MS = 100


class BatchControl(QObject):
    """Runs batches, one at a time.

    Parameters
    ----------
    rows : BatchRows
        The queue. Rows may be added while it runs, but not removed.
    panel : RunPanel
        Shows the progress of all.
    """

    #: The row that is worked on has this number now.
    moved = Signal(int)
    #: The run is over: whether every input had its turn, and the error if it could not go on.
    ended = Signal(bool, object)

    def __init__(self, rows: BatchRows, panel: RunPanel) -> None:
        super().__init__()
        self._rows, self._panel = rows, panel
        self._run: BatchRun | None = None
        self._numbers: list[int] = []  # of the row that each item belongs to
        self._begun = 0.0
        self._at = self._shown = -1  # the row that is worked on, and that the table was scrolled to
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._show_progress)
        #: What was run last.
        self.batch: BatchJob | None = None
        #: Where it ran.
        self.ready: Ready | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a batch runs."""
        return self._run is not None

    def start(
        self,
        worker: Worker,
        numbers: Sequence[int] | None,
        *,
        model: Path,
        name: str,
        folder: Path,
        pattern: str,
        output: OutputSettings,
        settings: InferenceSettings,
        existing: Existing,
        opening: Opening,
    ) -> None:
        """Begin.

        Parameters
        ----------
        worker : Worker
            Does the work. One of another machine is sent the model, and sees the files under the same paths.
        numbers : sequence of int or None
            The rows to run; None for all.
        model, name : Path, str
            The model's folder and its name.
        folder, pattern : Path, str
            Where the outputs go, and how they are named.
        output, settings, existing, opening
            As in a :class:`~napari_unets.jobs.batch.events.BatchJob`.

        Raises
        ------
        NapariUnetsError
            If the outputs cannot be named.
        """
        before = self._rows.sources
        wanted = before if numbers is None else [before[number] for number in numbers]
        if output.kind == "clean" and (files := find_sources(before, pages=True)) != before:
            self._rows.replace_sources(files)
            wanted = find_sources(wanted, pages=True)
        items = plan_items(self._rows.sources, folder, pattern, model=name, kind=output.kind)
        planned = {item.sources[0]: item for item in items}
        chosen_sources = set(wanted)
        self._numbers = []
        for number, source in enumerate(self._rows.sources):
            if source not in chosen_sources:
                continue
            if source in planned:
                self._numbers.append(number)
                self._rows.set(number, Row(planned[source]))
            else:
                self._rows.set(number, Row(BatchItem((source,), Path()), "failed", "is itself an output of this batch"))
        chosen = tuple(self._rows.rows[number].item for number in self._numbers)
        self.batch = BatchJob(str(model), chosen, output, settings, existing, opening)
        self.ready = None
        self._begun, self._at, self._shown = time.monotonic(), -1, -1
        self._panel.start("Looking at what is there and preparing the model …")
        self._run = BatchRun(worker, self.batch)
        self._run.waiting.connect(self._panel.wait)
        self._run.told.connect(self._heard)
        self._run.ended.connect(self._done)
        self._run.failed.connect(self._failed)
        self._run.start()
        self._timer.start()

    def stop(self) -> None:
        """End within a tile."""
        if self._run is not None:
            self._panel.stopping()
            self._run.stop()

    def abandon(self) -> None:
        """End because the window is gone, and touch nothing in it any more."""
        self._timer.stop()
        if self._run is not None:
            self._run.abandon()
            self._run = None

    def _heard(self, event: BatchEvent) -> None:
        match event:
            case Ready():
                self.ready = event
            case Started(number):
                self._at = self._numbers[number]
                self._rows.progress(self._at, 0.0)
            case Progress(number, done, total):
                self._rows.progress(self._numbers[number], done / total if total else 0.0)
            case Ended(number, row):
                self._rows.set(self._numbers[number], row)

    def _show_progress(self) -> None:
        """Show how far all is; by the clock, since what is skipped makes thousands of events a second."""
        if self._run is None or self._at < 0:
            return
        if self._at != self._shown:
            self._shown = self._at
            self.moved.emit(self._at)
        rows = self._run.log.rows
        over = sum(row.status not in ("queued", "running") for row in rows)
        done = over + sum(row.fraction for row in rows if row.status == "running")
        computed = done - sum(row.status == "skipped" for row in rows)
        left = (time.monotonic() - self._begun) / computed * (len(rows) - done) if computed > 0.05 else None
        self._panel.progress(over, len(rows), left, part=done - over)

    def _done(self, complete: bool) -> None:
        self._run = None
        self._timer.stop()
        counts = counts_of([self._rows.rows[number] for number in self._numbers])
        words = ", ".join(f"{count} {status}" for status, count in counts.items() if status != "queued")
        how = f" on {self.ready.device} ({self.ready.backend}, {self.ready.precision})" if self.ready else ""
        took = time_in_words(time.monotonic() - self._begun)
        text = f"{words or 'nothing was done'} in {took}{how}"
        if not complete:
            text = f"Stopped. {text}"
        mood: Mood = "warning" if counts.get("failed") else "good" if complete else "plain"
        self._panel.finish(text, mood)
        self.ended.emit(complete, None)

    def _failed(self, error: Exception) -> None:
        self._run = None
        self._timer.stop()
        text = str(error)
        if isinstance(error, OutputsExistError):
            names = ", ".join(target.name for target in error.targets[:3])
            more = f" and {len(error.targets) - 3} more" if len(error.targets) > 3 else ""
            text = (
                f"{names}{more} {'is' if len(error.targets) == 1 else 'are'} there already, nothing was computed. "
                "Choose what is to become of them, or other names."
            )
        self._panel.finish(text, "error")
        self.ended.emit(False, error)
