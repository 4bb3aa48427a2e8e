"""``napari-unets train``: a recipe and data to a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unets.cli.device import Device
from napari_unets.cli.long_run import end_interrupted, may_replace, stop_on_interrupt, tell_validation
from napari_unets.cli.terminal import note, progress_bar

__all__ = ["train"]


def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What is trained, on what, and how.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder that the recipe's paths are relative to.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL_DIR", help="Folder for the new model.")],
    steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Train for so many steps, not as the recipe says.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", min=0.01, help="Train for so many minutes, not as the recipe says.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", min=0, help="Seed, instead of the recipe's.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One of the recipe's protocols, such as paper; the first by default."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help="One of the recipe's networks; the first by default.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Begin with the weights of this model, a name or a folder."),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Only check that the recipe works: a few small steps, in a minute or two.")
    ] = False,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
) -> None:
    """Train a model from a recipe; Ctrl-C saves the best so far."""
    if steps is not None and minutes is not None:
        raise typer.BadParameter("choose one of --steps and --minutes")
    if smoke and (steps is not None or minutes is not None):
        raise typer.BadParameter("--smoke has a length of its own: leave --steps and --minutes out")
    overwrite = may_replace(output, resume=resume and not smoke, overwrite=overwrite)

    from napari_unets.inference import keep_freed_memory
    from napari_unets.learning import SavedEvent, run_recipe
    from napari_unets.models import load_model

    keep_freed_memory()
    with stop_on_interrupt() as stopped, progress_bar("training") as report:
        for event in run_recipe(
            recipe,
            data,
            output,
            steps=steps,
            minutes=minutes,
            seed=seed,
            smoke=smoke,
            device=device,
            resume=resume,
            overwrite=overwrite,
            start=load_model(start) if start is not None else None,
            cancel=lambda: bool(stopped),
            protocol=protocol,
            network=network,
        ):
            if isinstance(event, SavedEvent):
                note(f"The model was saved to {event.folder}.")
            else:
                tell_validation(event)
                report(getattr(event, "done", 1.0), 1.0)
    if stopped:
        end_interrupted(stopped)
