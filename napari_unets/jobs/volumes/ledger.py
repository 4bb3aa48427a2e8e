"""Which blocks of a volume are safely on the disk: one line of JSON each, in a file beside the volume."""

from __future__ import annotations

import json
import os
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from napari_unets.jobs.outputs.matching import MadeFrom
from napari_unets.jobs.outputs.safe_files import write_safely
from napari_unets.jobs.volumes.blocks import BlockRecord, VolumeJob
from napari_unets.jobs.volumes.errors import BlockWriteError, LedgerError, LedgerInUseError, LedgerMismatchError
from napari_unets.jobs.volumes.writing import scratch_folder

__all__ = ["Ledger", "ledger_path"]

#: Version of the ledger's layout.
_VERSION = 1


def ledger_path(output: str | Path) -> Path:
    """Where the ledger of a volume is: ``volume.ome.zarr.ledger.jsonl``, beside it."""
    output = Path(output)
    return output.with_name(f"{output.name}.ledger.jsonl")


class Ledger:
    """The record of a run, kept while it goes on and afterwards.

    The first line is the job itself, with the statistics and the windows that were settled when it began; a run that
    is resumed uses the same. Every other line is a block, written when the block's files are on the disk. A last line
    without its end, which a killed process or a full disk leaves, is as good as not written.

    While it is open, no other process of this machine can open it. Use it as a context manager, or :meth:`close` it.

    Parameters
    ----------
    output : Path
        The volume.

    Attributes
    ----------
    job : VolumeJob
        As it was begun.
    records : dict of int to BlockRecord
        Blocks that are done.
    notes : dict
        What else was noted, such as ``finished``.

    Raises
    ------
    LedgerError
        If there is no ledger, or it is damaged.
    LedgerInUseError
        If a run is going on.
    """

    def __init__(self, output: Path) -> None:
        self.path = ledger_path(output)
        self.records: dict[int, BlockRecord] = {}
        self.notes: dict[str, Any] = {}
        try:
            self._file = self.path.open("r+b", buffering=0)
        except FileNotFoundError:
            raise LedgerError(
                f"{output}: there is no {self.path.name} beside it, which would say what is done; make it anew with "
                "--overwrite"
            ) from None
        except OSError as error:
            raise LedgerError(f"{self.path}: cannot be opened ({error.strerror})") from error
        try:
            _lock(self._file, self.path)
            self.job = self._read()
        except BaseException:
            self._file.close()
            raise

    @classmethod
    def create(cls, job: VolumeJob) -> Self:
        """Begin the ledger of a job.

        Raises
        ------
        LedgerInUseError
            If there is one: another process has begun the same volume at this moment.
        BlockWriteError
            If it cannot be written.
        """
        header = json.dumps({"ledger": _VERSION, "job": job.model_dump(mode="json")})
        try:
            write_safely(ledger_path(job.output), f"{header}\n".encode(), scratch_folder(job.output), new=True)
        except FileExistsError:
            raise LedgerInUseError(f"{job.output}: another process has just begun it; wait for that one") from None
        except OSError as error:
            raise BlockWriteError(f"{job.output}: cannot be begun ({error.strerror})") from error
        return cls(job.output)

    def done(self) -> set[int]:
        """Numbers of the blocks that are done and whose files are there."""
        output = self.job.output
        return {n for n, record in self.records.items() if all((output / path).exists() for path in record.files)}

    @property
    def is_finished(self) -> bool:
        """Whether the volume was finished, and all of it still is there."""
        return bool(self.notes.get("finished")) and len(self.done()) == len(self.records)

    def append(self, record: BlockRecord) -> None:
        """Note a block whose files are on the disk.

        Raises
        ------
        BlockWriteError
            If the ledger cannot be written. The block is then not done.
        """
        self._append(record.to_json())
        self.records[record.number] = record

    def note(self, **values: Any) -> None:
        """Note something else that JSON can hold.

        Raises
        ------
        BlockWriteError
            If the ledger cannot be written.
        """
        self._append({"note": values})
        self.notes |= values

    def begin_again(self) -> None:
        """Forget all blocks and notes.

        Raises
        ------
        BlockWriteError
            If the ledger cannot be written.
        """
        self._append({"begun": "again"})
        self.records, self.notes = {}, {}

    def matches(self, now: MadeFrom) -> None:
        """Compare what was begun, and what is there, with what is to be done now.

        Parameters
        ----------
        now : MadeFrom
            What the volume would be made from.

        Raises
        ------
        LedgerMismatchError
            If the result would be another one, or something else took the volume's place; the message says why.
        """
        output, begun = self.job.output, self.job.origin
        difference = begun.difference(now)
        if not difference and (output / "zarr.json").exists() and MadeFrom.of_output(output) != begun:
            difference = "what is there is not what was begun, but took its place or was edited since"
        if difference:
            raise LedgerMismatchError(
                f"{output}: cannot be resumed: {difference}. Undo that, or make it anew with --overwrite"
            )

    def close(self) -> None:
        """Let other processes open it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> VolumeJob:
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._cut(len(whole))
        try:
            header, *lines = [json.loads(line) for line in whole.splitlines()]
            if header["ledger"] > _VERSION:
                raise LedgerError(f"{self.path}: was written by a later version of napari-unets; update it")
            job = VolumeJob.model_validate(header["job"])
            for line in lines:
                if "begun" in line:
                    self.records, self.notes = {}, {}
                elif "note" in line:
                    self.notes |= line["note"]
                else:
                    record = BlockRecord.from_json(line)
                    self.records[record.number] = record
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise LedgerError(
                f"{self.path}: is damaged, so what is done is not known ({error}); make it anew with --overwrite"
            ) from error
        # The folder may have been moved or have got another name, together with the volume.
        return job.model_copy(update={"output": self.path.with_name(self.path.name.removesuffix(".ledger.jsonl"))})

    def _append(self, values: dict[str, Any]) -> None:
        end = self._file.seek(0, os.SEEK_END)
        try:
            line = memoryview(json.dumps(values).encode() + b"\n")
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._cut(end)
            raise BlockWriteError(
                f"{self.path}: cannot be written ({error.strerror or error}). What was written before is valid; make "
                "room, or see to the cause, and go on with --resume"
            ) from error

    def _cut(self, size: int) -> None:
        """Leave out a line that was not written to its end."""
        self._file.seek(size)
        self._file.truncate()


def _lock(file: FileIO, path: Path) -> None:
    """Keep others out as long as the file is open; file systems that know no locks are used without."""
    try:
        import fcntl
    except ImportError:  # Windows, which does not let two processes replace one file anyway
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LedgerInUseError(f"{path}: another process is writing this volume at the moment; wait for it") from None
    except OSError:
        return
