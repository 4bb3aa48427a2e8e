"""The report of a batch as JSON, kept up to date while it runs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_unets.errors import NapariUnetsError
from napari_unets.images.suffixes import is_image_name
from napari_unets.jobs.batch.events import BatchEvent, BatchJob, BatchLog, Queued, Ready, Row, counts_of

__all__ = ["ReportError", "ReportFile", "batch_report", "write_report"]

_WRITE_S = 2.0


class ReportError(NapariUnetsError):
    """A report that cannot be written."""


def batch_report(job: BatchJob, rows: Sequence[Row], ready: Ready | None) -> dict[str, Any]:
    """Tell of a batch what JSON can hold.

    Parameters
    ----------
    job : BatchJob
        The batch.
    rows : sequence of Row
        What has become of its items.
    ready : Ready or None
        Where it ran, if anything was computed.

    Returns
    -------
    dict
        ``model``, ``settings``, ``output`` (kind and how), ``opening`` (what was not left as in the files), ``device``,
        ``backend`` and ``precision`` (null if nothing was computed), ``counts`` by status, and ``inputs``: a
        list of ``input``, ``output``, ``status``, ``reason``, ``seconds``, and of a bug ``details``. ``input`` is a
        list where several inputs make one output.
    """
    return {
        "model": str(job.model),
        "settings": job.settings.model_dump(mode="json"),
        "output": job.output.model_dump(mode="json"),
        "opening": job.opening.changed(),
        "existing": job.existing,
        "device": None if ready is None else ready.device,
        "backend": None if ready is None else ready.backend,
        "precision": None if ready is None else ready.precision,
        "counts": counts_of(rows),
        "inputs": [_about(row) for row in rows],
    }


def _about(row: Row) -> dict[str, Any]:
    sources = row.item.sources
    about: dict[str, Any] = {
        "input": sources[0] if len(sources) == 1 else list(sources),
        "output": str(row.item.target),
        "status": row.status,
        "reason": row.reason,
        "seconds": round(row.seconds, 3),
    }
    return about | ({"details": row.details} if row.details else {})


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report; the one before is replaced when the new one is whole.

    Names of files that are no text in any language keep their bytes: Python's ``json`` gives them back as it was given
    them.

    Raises
    ------
    ReportError
        If that is not possible, or an image would have to be of that name.
    """
    if is_image_name(path):  # an input or an output most likely, as after ``--report *.tif``
        raise ReportError(f"{path}: is the name of an image; choose another for the report, such as report.json")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # what UTF-8 cannot hold is written as JSON would escape it
        text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ReportError(f"{path}: the report cannot be written ({error.strerror})") from error


class ReportFile:
    """A report that is written again while the batch runs, so that a run that is killed leaves one as well.

    Parameters
    ----------
    path : Path
        The file.
    job : BatchJob
        The batch. Its first report, of which nothing is done, is written when the batch begins.
    """

    def __init__(self, path: Path, job: BatchJob) -> None:
        self._path, self._job = path, job
        self._written = 0.0
        self.log = BatchLog()

    def take(self, event: BatchEvent) -> None:
        """Hear of an event.

        Raises
        ------
        ReportError
            If the first report cannot be written. A later one is tried again, and a batch does not end of it.
        """
        self.log.take(event)
        if isinstance(event, Queued):
            self.write()
        elif time.monotonic() - self._written > _WRITE_S:
            with suppress(ReportError):
                self.write()

    def write(self) -> None:
        """Write the report as it is now.

        Raises
        ------
        ReportError
            If that is not possible.
        """
        self._written = time.monotonic()
        write_report(self._path, batch_report(self._job, self.log.rows, self.log.ready))
