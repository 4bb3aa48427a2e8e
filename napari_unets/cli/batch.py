"""A batch at the terminal: a bar for each input, a table at the end, a report."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.cli.outputs import OutputError
from napari_unets.cli.terminal import Report, note, print_table, progress_bar
from napari_unets.jobs.batch.events import BatchEvent, BatchJob, BatchLog, Ended, Progress, Ready, Row, Started
from napari_unets.jobs.batch.report import ReportError, ReportFile
from napari_unets.jobs.batch.run import make_batch

if TYPE_CHECKING:
    from napari_unets.jobs.volumes.run import Execute

__all__ = ["make_all"]

_MOST_ROWS = 100  # of more, the table shows only those that failed


def make_all(job: BatchJob, report: Path | None = None, execute: Execute | None = None) -> None:
    """Make the outputs of a batch, telling how it goes.

    Parameters
    ----------
    job : BatchJob
        What to make.
    report : Path, optional
        JSON file that says what has become of each input. It is also written when the run is interrupted.
    execute : callable, optional
        Has the blocks of volumes computed; in this process by default.

    Raises
    ------
    OutputError
        At the end, if some of several could not be made. A single one raises its own error.
    ReportError
        If the report cannot be written: before anything is computed, or at the end.
    """
    with _Teller(job, report) as teller:
        make_batch(job, teller.take, stop_at_error=len(job.items) == 1, execute=execute)
    rows = teller.log.rows
    if len(rows) > 1:
        _print(rows)
    if failed := sum(row.status == "failed" for row in rows):
        if teller.no_report is not None:
            note(f"warning: {teller.no_report}")
        raise OutputError(f"{failed} of {len(rows)} outputs could not be made; the table says why")
    if teller.no_report is not None:
        raise teller.no_report


class _Teller:
    """Tells events to the terminal and to the report."""

    def __init__(self, job: BatchJob, report: Path | None) -> None:
        self._stacks = job.output.kind != "clean"
        self._overwrite = job.existing == "overwrite"
        self._file = None if report is None else ReportFile(report, job)
        self.log = BatchLog()
        self._bars = ExitStack()
        self._bar: Report | None = None
        #: Why the last report is not there, if it is not.
        self.no_report: ReportError | None = None

    def __enter__(self) -> _Teller:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bars.close()
        if kind in (KeyboardInterrupt, SystemExit):
            self._tell_stopped()
        if self._file is None or not self._file.log.rows:
            return
        try:
            self._file.write()
        except ReportError as error:  # the table, or what else has ended the batch, is to be told all the same
            self.no_report = error
            if kind not in (None, ReportError):
                note(f"warning: {error}")

    def take(self, event: BatchEvent) -> None:
        """Hear of an event."""
        self.log.take(event)
        if self._file is not None:
            self._file.take(event)
        match event:
            case Ready():
                note(f"{event.model}: {event.backend} in {event.precision}. {event.device_reason}.")
            case Started(number):
                of = f"{number + 1}/{len(self.log.rows)} " if len(self.log.rows) > 1 else ""
                name = Path(self.log.rows[number].item.sources[0]).name
                self._remark(self.log.rows[number].item.sources[0])
                self._bar = self._bars.enter_context(progress_bar(of + name))
            case Progress(_, done, total):
                if self._bar is not None:
                    self._bar(done, total)
            case Ended(_, row):
                self._bars.close()
                self._tell(row)

    def _tell_stopped(self) -> None:
        if any(row.item.target.exists() for row in self.log.rows):
            instead = " instead of --overwrite" if self._overwrite else ""
            note(f"The run was stopped; the same command with --resume{instead} continues it.")
        elif self.log.rows:
            note("The run was stopped; nothing was written.")

    def _remark(self, source: str) -> None:
        """Say what may be missing in a folder that is read as a stack."""
        from napari_unets.images.folder import folder_remarks

        with suppress(OSError):  # opening it says why
            if self._stacks and Path(source).is_dir():
                for remark in folder_remarks(Path(source)):
                    note(f"{source}: {remark}")

    def _tell(self, row: Row) -> None:
        match row.status:
            case "done":
                note(f"{row.item.name} → {row.item.target}" + (f" ({row.reason})" if row.reason else ""))
            case "skipped":
                note(f"skipped: {row.item.target} ({row.reason})")
            case "failed" if len(self.log.rows) > 1:  # a single one ends the program with its error
                note(f"left out: {row.reason}")
                if row.details:
                    note(row.details)


def _print(rows: list[Row]) -> None:
    shown = rows if len(rows) <= _MOST_ROWS else [row for row in rows if row.status == "failed"]
    if shown:
        columns = ["input", "status", "output", "seconds", "why"]
        print_table(columns, [_cells(row) for row in shown])
    counts = {status: sum(row.status == status for row in rows) for status in ("done", "skipped", "failed")}
    note(", ".join(f"{count} {status}" for status, count in counts.items() if count))


def _cells(row: Row) -> list[str]:
    seconds = f"{row.seconds:.1f}" if row.seconds else ""
    target = str(row.item.target) if row.status in ("done", "skipped") else ""
    why = row.reason.removeprefix(f"{row.item.name}: ")  # the row names it already
    return [row.item.name, row.status, target, seconds, why]
