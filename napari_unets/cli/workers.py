"""``--workers`` and ``--scheduler``: who computes the blocks of volumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import typer

from napari_unets.cli.outputs import OutputError
from napari_unets.cli.terminal import note

if TYPE_CHECKING:
    from napari_unets.jobs.batch.events import BatchJob
    from napari_unets.jobs.volumes.run import Execute

__all__ = ["check_volumes", "executor"]


@contextmanager
def executor(job: BatchJob, workers: str | None, scheduler: str | None) -> Iterator[Execute | None]:
    """Start or find the workers that were asked for.

    Parameters
    ----------
    job : BatchJob
        What they are to make.
    workers : str, optional
        A number, or ``auto``.
    scheduler : str, optional
        An address.

    Yields
    ------
    Execute or None
        None if nobody was asked for: the blocks are computed in this process.

    Raises
    ------
    BadParameter
        If both were asked for, or what is no number.
    OutputError
        If an output is not made of blocks.
    MissingDaskError
        If it is not installed.
    SchedulerUnreachableError
        If nobody answers there.
    """
    count = _count(workers)
    if count is not None and scheduler is not None:
        raise typer.BadParameter("choose one of --workers and --scheduler")
    if count is None and scheduler is None:
        yield None
        return
    check_volumes(job)
    from napari_unets.jobs.errors import MissingDaskError

    try:
        from napari_unets.jobs.cluster.executor import on_cluster
    except ModuleNotFoundError as error:
        raise MissingDaskError(
            '--workers and --scheduler need dask.distributed; install it with: pip install "napari-unets[cluster]"'
        ) from error
    with on_cluster(scheduler, workers=count, tell=note) as execute:
        yield execute


def check_volumes(job: BatchJob) -> None:
    """See that all outputs are made of blocks.

    Raises
    ------
    OutputError
        If not.
    """
    from napari_unets.jobs.batch.making_volume import is_volume

    whole = [str(item.target) for item in job.items if not is_volume(item.target, job.output)]
    if whole:
        raise OutputError(
            f"{whole[0]}: only an .ome.zarr is written block by block, and --ortho takes the whole volume; choose "
            "another --output, or leave out --workers, --scheduler and --estimate"
        )


def _count(workers: str | None) -> int | Literal["auto"] | None:
    if workers is None or workers == "auto":
        return workers  # type: ignore[return-value]  # "auto" is one of its values
    if workers.isdecimal() and int(workers) > 0:
        return int(workers)
    raise typer.BadParameter(f"{workers}: should be a number from 1, or auto", param_hint="--workers")
