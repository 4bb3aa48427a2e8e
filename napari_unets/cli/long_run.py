"""What commands that train have in common: Ctrl-C and SIGTERM that save, and what is told meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from napari_unets.cli.terminal import note

if TYPE_CHECKING:
    from types import FrameType

    from napari_unets.learning import FitEvent

__all__ = ["end_interrupted", "may_replace", "stop_on_interrupt", "tell_validation"]

#: Ctrl-C, and how a cluster ends a job whose time is over or whose machine is wanted.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_interrupt() -> Iterator[list[int]]:
    """Turn the first Ctrl-C or SIGTERM into its number in the list; the second one ends the program at once."""
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        note("Stopping after this step; Ctrl-C again ends at once and saves nothing.")
        stopped.append(number)
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield stopped
    finally:
        restore()


def may_replace(output: Path, *, resume: bool, overwrite: bool) -> bool:
    """Whether a model that stands at the place of the one to be may be replaced.

    With ``--resume`` what an interrupted run has saved may; a finished run ends the program, since nothing is left to
    do, so that a job that a cluster starts again does no harm.

    Raises
    ------
    ModelExistsError
        If neither is given, and a run was interrupted that could be resumed.
    """
    from napari_unets.learning.checkpoint import checkpoint_beside
    from napari_unets.models import ModelExistsError

    if checkpoint_beside(output).exists() and not (resume or overwrite):
        raise ModelExistsError(
            f"{output}: a run was interrupted there; --resume continues it, --overwrite begins anew and drops it"
        )
    if not resume or checkpoint_beside(output).exists():
        return resume or overwrite
    if output.exists():
        note(f"{output} is finished: nothing is left to resume. With --overwrite alone it is made anew.")
        raise typer.Exit
    note(f"Of {output} there is no interrupted run: this one begins anew.")
    return overwrite


def end_interrupted(stopped: Sequence[int]) -> None:
    """End the program as shells expect after the signal that has stopped it, saying how to go on."""
    note("The run was stopped; the same command with --resume continues it.")
    raise typer.Exit(128 + stopped[0])


def tell_validation(event: FitEvent) -> None:
    """Say what a validation found, and whether the run came apart; other events say nothing."""
    from napari_unets.learning import StoppedEvent, ValidationEvent

    if isinstance(event, StoppedEvent) and event.diverged:
        note(f"The loss was no number any more after step {event.step}; the weights are those of step {event.kept}.")
    if isinstance(event, ValidationEvent):
        scores = ", ".join(f"{name} {value:.4f}" for name, value in event.scores.items())
        note(f"step {event.step}: {scores}{' (kept)' if event.kept else ''}")
