"""One model over many inputs: what is done, skipped and failed, and why. One bad file does not stop the others."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, get_args

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.emitting import emitted
from napari_unets.jobs.batch.events import (
    BatchEvent,
    BatchItem,
    BatchJob,
    Ended,
    Existing,
    Progress,
    Queued,
    Ready,
    Row,
    Started,
)
from napari_unets.jobs.batch.plan import BatchPlanError, check_items, refuse_existing
from napari_unets.jobs.worker.kept import kept_predictor
from napari_unets.jobs.worker.sent_model import SentModel

if TYPE_CHECKING:
    from napari_unets.inference import InferenceSettings, Predictor
    from napari_unets.jobs.outputs.matching import MadeFrom
    from napari_unets.jobs.volumes.run import Execute
    from napari_unets.models import Model

__all__ = ["NotOursError", "make_batch", "run_batch"]

_TELL_S = 0.1


class NotOursError(NapariUnetsError):
    """Something at the place of an output that no batch has left there as it is."""


def run_batch(
    job: BatchJob, *, model: SentModel | None = None, cancel: Callable[[], bool] | None = None
) -> Generator[BatchEvent, None, None]:
    """Make the outputs of a batch. A job for `Worker.submit`.

    Parameters
    ----------
    job : BatchJob
        What to make.
    model : SentModel, optional
        Instead of the job's own, whose folder a worker elsewhere does not see.
    cancel : callable, optional
        Given by the worker.

    Yields
    ------
    BatchEvent
        See :func:`make_batch`.
    """
    if model is not None:
        job = replace(job, model=model.unpack())

    def make(emit: Callable[[BatchEvent], None], asked_to_end: Callable[[], bool]) -> None:
        make_batch(job, emit, cancel=asked_to_end)

    yield from emitted(make, cancel)


def make_batch(
    job: BatchJob,
    on_event: Callable[[BatchEvent], None],
    *,
    cancel: Callable[[], bool] | None = None,
    stop_at_error: bool = False,
    execute: Execute | None = None,
) -> None:
    """Make the outputs of a batch, one after the other, with one predictor.

    Parameters
    ----------
    job : BatchJob
        What to make. Each output is written beside its place and moved there when it is whole.
    on_event : callable
        Told what happens: `Queued`, `Ready` when the model is loaded, and for each item `Started`, `Progress`, `Ended`.
    cancel : callable, optional
        Asked between windows. True stops: the item's row says so, and those after it are not begun.
    stop_at_error : bool
        Raise the error of an item, after its row has been told, instead of going on with the next.
    execute : callable, optional
        Has the blocks of volumes computed, by `napari_unets.jobs.cluster.executor.on_cluster` for instance; in this
        process by default.

    Raises
    ------
    ModelError, DeviceError, BackendError
        If the model cannot be loaded or run at all.
    BatchPlanError, OutputsExistError
        If two outputs would be one file, or some are there and ``job.existing`` is ``"refuse"``, or none of its words,
        or if clean pages are asked for of images that are opened as pages cannot be; nothing has been computed then.
    """
    from napari_unets.inference import Cancelled
    from napari_unets.models import load_model

    if job.existing not in get_args(Existing):
        raise BatchPlanError(
            f"what becomes of outputs that are there is one of {', '.join(get_args(Existing))}, not {job.existing!r}"
        )
    if job.output.kind == "clean" and not job.opening.is_for_pages:
        raise BatchPlanError(
            f"clean pages are made of pages, which have none of {', '.join(job.opening.changed().keys() - {'invert'})}"
        )
    model = load_model(job.model)
    check_items(job.items)
    if job.existing == "refuse":
        refuse_existing(job.items)
    on_event(Queued(job.items))
    with _Lent(model, job.settings, on_event) as lent:
        for number, item in enumerate(job.items):
            if cancel is not None and cancel():
                return
            on_event(Started(number))
            begun = time.monotonic()
            try:
                row = _make_item(job, number, lent, on_event, cancel, execute)
            except Cancelled:
                on_event(Ended(number, Row(item, "stopped", seconds=time.monotonic() - begun)))
                return
            except Exception as error:  # a night's work does not end at one file, whatever is wrong with it
                on_event(Ended(number, _failed(item, error, begun)))
                if stop_at_error or lent.cannot_be_made:
                    raise
            except BaseException:  # Ctrl-C, or the system's wish: the report is not to say for ever that it runs
                on_event(Ended(number, Row(item, "stopped", seconds=time.monotonic() - begun)))
                raise
            else:
                on_event(Ended(number, row))


class _Lent:
    """The predictor of a batch: made when it is first needed, kept for the next batch."""

    def __init__(self, model: Model, settings: InferenceSettings, on_event: Callable[[BatchEvent], None]) -> None:
        self.model = model
        self._settings = settings
        self._on_event = on_event
        self._stack = ExitStack()
        self._predictor: Predictor | None = None
        #: Whether it was tried in vain: no item can be made then.
        self.cannot_be_made = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def __call__(self) -> Predictor:
        if self._predictor is None:
            self.cannot_be_made = True
            made = self._stack.enter_context(kept_predictor(self.model, self._settings))
            self.cannot_be_made = False
            self._predictor = made
            self._on_event(Ready(made.model.name, made.device, made.device_reason, made.backend, made.precision))
        return self._predictor


def _make_item(
    job: BatchJob,
    number: int,
    lent: _Lent,
    on_event: Callable[[BatchEvent], None],
    cancel: Callable[[], bool] | None,
    execute: Execute | None,
) -> Row:
    """Make an output, if it has to be made."""
    from napari_unets.jobs.batch.making import make_output
    from napari_unets.jobs.batch.making_volume import is_finished, is_volume, make_volume
    from napari_unets.jobs.outputs.matching import MadeFrom

    item = job.items[number]
    begun = time.monotonic()
    wanted = MadeFrom.of(item.sources, lent.model.card, job.settings, job.output, job.opening)
    reason, overwrite = "", job.existing == "overwrite"
    by_blocks = is_volume(item.target, job.output)
    if by_blocks and job.existing == "resume" and is_finished(item.target, wanted):
        return Row(item, "skipped", "it is there and matches", 1.0)
    if job.existing == "resume" and item.target.exists() and not by_blocks:
        difference = _difference(item.target, wanted)
        if not difference:
            return Row(item, "skipped", "it is there and matches", 1.0)
        reason, overwrite = f"made anew: {difference}", True
    told = begun

    def report(done: float, total: float) -> None:
        nonlocal told
        if (now := time.monotonic()) - told >= _TELL_S:
            told = now
            on_event(Progress(number, done, total))

    if by_blocks:
        reason = make_volume(
            item.sources[0],
            item.target,
            lent(),
            job.output,
            wanted,
            report,
            opening=job.opening,
            existing=job.existing,
            cancel=cancel,
            execute=execute,
        )
    else:
        make_output(
            item.sources,
            item.target,
            lent(),
            job.output,
            wanted,
            report,
            opening=job.opening,
            overwrite=overwrite,
            cancel=cancel,
        )
    return Row(item, "done", reason, 1.0, time.monotonic() - begun)


def _difference(target: Path, wanted: MadeFrom) -> str:
    from napari_unets.jobs.outputs.matching import MadeFrom

    kept = MadeFrom.of_output(target)
    if kept is None:
        raise NotOursError(
            f"{target}: is there, but not as this program left it (edited since, or made by another); it is not "
            "replaced. Move it away, choose another place or pattern, or overwrite it (--overwrite)"
        )
    return kept.difference(wanted)


def _failed(item: BatchItem, error: BaseException, begun: float) -> Row:
    seconds = time.monotonic() - begun
    if isinstance(error, NapariUnetsError):
        return Row(item, "failed", str(error), seconds=seconds)
    if isinstance(error, OSError):
        return Row(item, "failed", _of_system(error), seconds=seconds)
    details = "".join(traceback.format_exception(error))
    return Row(item, "failed", f"a bug: {type(error).__name__}: {error}", seconds=seconds, details=details)


def _of_system(error: OSError) -> str:
    """Return the system's own word: no right to write, no space left."""
    where = f"{error.filename}: " if error.filename else ""
    return where + (error.strerror or str(error))
