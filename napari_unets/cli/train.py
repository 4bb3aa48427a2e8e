"""``napari-unets train``: a recipe and data to a model."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unets.cli.terminal import note, progress_bar

if TYPE_CHECKING:
    from types import FrameType

    from napari_unets.learning.fit import FitEvent
    from napari_unets.learning.training import SavedEvent

__all__ = ["train"]

#: What shells give a program that Ctrl-C has ended.
_INTERRUPTED = 130


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What is trained, on what, and how.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder that the recipe's paths are relative to.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL_DIR", help="Folder of the model to be.")],
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Instead of the recipe's length.")] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", min=0.01, help="Instead of the recipe's length.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to train.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run has stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
) -> None:
    """Train a model by a recipe; Ctrl-C saves the best so far."""
    if steps is not None and minutes is not None:
        raise typer.BadParameter("choose one of --steps and --minutes")

    from napari_unets.learning.training import run_recipe

    with _stop_on_interrupt() as stopped, progress_bar("training") as report:
        for event in run_recipe(
            recipe,
            data,
            output,
            steps=steps,
            minutes=minutes,
            device=device,
            resume=resume,
            overwrite=overwrite,
            cancel=lambda: bool(stopped),
        ):
            _tell(event)
            report(getattr(event, "done", 1.0), 1.0)
    if stopped:
        note("The run was stopped; with --resume it goes on where it was.")
        raise typer.Exit(_INTERRUPTED)


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """Turn the first Ctrl-C into an item of the list; the second one ends the program at once."""
    stopped: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        note("Stopping after this step; Ctrl-C again ends at once and saves nothing.")
        stopped.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(event: FitEvent | SavedEvent) -> None:
    from napari_unets.learning.fit import ValidationEvent
    from napari_unets.learning.training import SavedEvent

    if isinstance(event, ValidationEvent):
        scores = ", ".join(f"{name} {value:.4f}" for name, value in event.scores.items())
        note(f"step {event.step}: {scores}{' (the best so far)' if event.best else ''}")
    elif isinstance(event, SavedEvent):
        note(f"The model was saved to {event.folder}.")
