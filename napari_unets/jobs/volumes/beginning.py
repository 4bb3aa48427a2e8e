"""A volume's ledger: opened where there is one, begun with the volume where there is none, both or neither."""

from __future__ import annotations

import shutil
import uuid
from contextlib import ExitStack
from pathlib import Path

from napari_unets.images import ImageExistsError
from napari_unets.images.opening import is_zarr
from napari_unets.jobs.volumes.blocks import VolumeJob
from napari_unets.jobs.volumes.errors import LedgerError, LedgerInUseError
from napari_unets.jobs.volumes.ledger import Ledger, ledger_path
from napari_unets.jobs.volumes.writing import scratch_folder

__all__ = ["ledger_of"]


def ledger_of(job: VolumeJob, *, resume: bool, overwrite: bool) -> Ledger:
    """Open the ledger that is there, or begin a new one, and with it the volume.

    Parameters
    ----------
    job : VolumeJob
        What is to be done.
    resume, overwrite : bool
        Go on with what was begun, if anything was; replace what is there.

    Raises
    ------
    ImageExistsError
        If the output is there, and neither is asked for, or it is no Zarr.
    LedgerError
        If what was begun cannot be gone on with.
    """
    output, path = job.output, ledger_path(job.output)
    if resume and path.exists():
        ledger = Ledger(output)
        try:
            ledger.matches(job.origin)
        except BaseException:
            ledger.close()
            raise
        return ledger
    if resume and output.exists():
        raise LedgerError(
            f"{output}: is there, but no {path.name} beside it, which would say what is done; make it anew with "
            "--overwrite"
        )
    if output.exists() or path.exists():
        if not overwrite:
            there = output if output.exists() else path
            raise ImageExistsError(
                f"{there}: is there already; continue it with --resume or replace it with --overwrite"
            )
        _remove(output, path)
    return _begin(job)


def _begin(job: VolumeJob) -> Ledger:
    """Begin the ledger and the volume, or neither."""
    scratch = scratch_folder(job.output)
    job.output.parent.mkdir(parents=True, exist_ok=True)
    ledger = Ledger.create(job)
    try:
        shutil.rmtree(scratch, ignore_errors=True)  # what was left unfinished there is of another run
        job.store.create(job.output, scratch)
    except Exception:
        ledger.close()
        ledger.path.unlink(missing_ok=True)
        raise
    return ledger


def _remove(output: Path, path: Path) -> None:
    with ExitStack() as kept:
        try:
            kept.enter_context(Ledger(output))  # nobody else begins to write or to remove it
        except LedgerInUseError:
            raise
        except LedgerError:
            pass  # whatever is wrong with it, it is to be replaced
        _remove_volume(output)
    path.unlink(missing_ok=True)


def _remove_volume(output: Path) -> None:
    if output.exists():
        if not (output.is_dir() and is_zarr(output)):
            raise ImageExistsError(f"{output}: is something else than a Zarr and is not replaced; choose another name")
        scratch = scratch_folder(output)
        scratch.mkdir(exist_ok=True)
        output.rename(scratch / uuid.uuid4().hex)  # at once: never is half of it there
        shutil.rmtree(scratch, ignore_errors=True)
