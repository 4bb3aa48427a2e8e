"""One output of one input, written where it is to be, block by block: what a batch does for an OME-Zarr."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_unets.jobs.volumes.job import plan_volume
from napari_unets.jobs.volumes.ledger import Ledger, ledger_path
from napari_unets.jobs.volumes.progress import VolumeEvent
from napari_unets.jobs.volumes.run import Execute, begun_job, run_volume

if TYPE_CHECKING:
    from napari_unets.inference import Predictor
    from napari_unets.jobs.outputs.matching import MadeFrom
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["is_finished", "is_volume", "make_volume"]


def is_volume(target: Path, what: OutputSettings) -> bool:
    """Whether an output is written block by block: an OME-Zarr, unless it is the mean of three orientations."""
    return target.suffix.lower() == ".zarr" and what.kind != "clean" and not what.ortho


def is_finished(target: Path, wanted: MadeFrom) -> bool:
    """Whether a volume is there and complete.

    Parameters
    ----------
    target : Path
        The volume.
    wanted : MadeFrom
        What it would be made from now.

    Raises
    ------
    LedgerMismatchError
        If what is there was made, or begun, from something else, or took the volume's place.
    LedgerError
        If its ledger is damaged or in use.
    """
    if not ledger_path(target).exists():
        return False
    with Ledger(target.expanduser().absolute()) as ledger:
        ledger.matches(wanted)
        return ledger.is_finished


def make_volume(
    source: str,
    target: Path,
    predictor: Predictor,
    what: OutputSettings,
    made_from: MadeFrom,
    report: Callable[[float, float], None],
    *,
    opening: Opening | None = None,
    existing: Literal["refuse", "resume", "overwrite"],
    cancel: Callable[[], bool] | None = None,
    execute: Execute | None = None,
) -> str:
    """Make a volume, or go on with one.

    Parameters
    ----------
    source : str
        The image.
    target : Path
        The volume. Its folder is made.
    predictor : Predictor
        Runs the model.
    what : OutputSettings
        What to make, and how.
    made_from : MadeFrom
        What the volume would be made from now.
    report : callable
        Told how much of how much is done.
    opening : Opening, optional
        Where the file does not say what it is.
    existing : {"refuse", "resume", "overwrite"}
        What to do if it is there.
    cancel : callable, optional
        Asked between windows; True stops.
    execute : callable, optional
        Has the blocks computed; in this process by default.

    Returns
    -------
    str
        What there is to say of it: how much was there already.

    Raises
    ------
    VolumeError, ImageError, InferenceError
        As :func:`~napari_unets.jobs.volumes.run.run_volume`.
    """

    def tell(event: VolumeEvent) -> None:
        report(event.done, event.total)

    resume = existing == "resume"
    begun = begun_job(target) if resume and ledger_path(target).exists() else None
    job = plan_volume(source, target, predictor, what, opening=opening, begun=begun, made_from=made_from, cancel=cancel)
    done = run_volume(
        job,
        execute=execute,
        resume=resume,
        overwrite=existing == "overwrite",
        on_event=tell,
        cancel=cancel,
        predictor=predictor,
    )
    return f"resumed: {done.resumed} of {done.blocks} blocks were there" if done.resumed else ""
