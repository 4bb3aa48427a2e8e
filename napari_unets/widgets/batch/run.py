"""A batch in the worker process, from Run to its last input; it goes on when the worker dies of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_unets.jobs import Inbox, Job, Worker, WorkerDiedError
from napari_unets.jobs.batch.events import BatchEvent, BatchJob, BatchLog, Ended, Progress, Queued, Row, Started
from napari_unets.jobs.batch.run import run_batch
from napari_unets.jobs.worker.sent_model import sent_model
from napari_unets.widgets.parts.job_signals import JobSignals

__all__ = ["BatchRun"]

_WAITING = 256  # events; few bytes each


class BatchRun(QObject):
    """Sends a batch to the worker and tells what is heard of it in the window's thread.

    Parameters
    ----------
    worker : Worker
        Does the work.
    batch : BatchJob
        What to do.
    """

    #: What happened (see `napari_unets.jobs.batch.run.make_batch`), with numbers of items of the batch.
    told = Signal(object)
    #: It is over: whether every item had its turn.
    ended = Signal(bool)
    #: It cannot begin yet: what it waits for, in words; empty once it begins.
    waiting = Signal(str)
    #: It could not begin, or not go on: the error.
    failed = Signal(object)
    _arrived = Signal()

    def __init__(self, worker: Worker, batch: BatchJob) -> None:
        super().__init__()
        self.batch = batch
        self.log = BatchLog([Row(item) for item in batch.items])
        self._first = 0  # of the items that the present job has
        self._job: Job | None = None
        self._inbox: Inbox[BatchEvent] = Inbox(self._arrived.emit, _WAITING)
        self._arrived.connect(self._take_all)
        self._elsewhere = worker.address is not None
        self._signals = JobSignals(worker)
        self._signals.waiting.connect(self.waiting)
        self._signals.done.connect(self._done)
        self._signals.failed.connect(self._failed)

    def start(self) -> None:
        """Begin; returns at once."""
        left = replace(self.batch, items=self.batch.items[self._first :])
        model = sent_model(Path(self.batch.model)) if self._elsewhere else None
        self._job = self._signals.submit(run_batch, left, model=model, on_event=self._inbox.put)

    def stop(self) -> None:
        """End within a tile; nothing half-made is left."""
        if self._job is not None:
            self._job.stop()

    def abandon(self) -> None:
        """End, and tell nobody: the window is gone."""
        self.blockSignals(True)
        self._inbox.close()
        self.stop()

    def _take_all(self) -> None:
        for event in self._inbox.take_all():
            self._tell(event)

    def _tell(self, event: BatchEvent) -> None:
        match event:
            case Queued():
                return  # the rows are there already, and those before a restart stay
            case Started() | Progress() | Ended():
                event = replace(event, number=event.number + self._first)
        self.log.take(event)
        self.told.emit(event)

    def _done(self, _result: object) -> None:
        self._take_all()
        self.ended.emit(not any(row.status in ("queued", "stopped") for row in self.log.rows))

    def _failed(self, error: Exception) -> None:
        self._take_all()
        running = [number for number, row in enumerate(self.log.rows) if row.status == "running"]
        for number in running:
            row = replace(self.log.rows[number], status="failed", reason=str(error))
            event = Ended(number, row)
            self.log.take(event)
            self.told.emit(event)
        if running and isinstance(error, WorkerDiedError):
            self._first = running[-1] + 1
            if self._first < len(self.batch.items):
                self.start()
            else:
                self.ended.emit(True)
            return
        self.failed.emit(error)
