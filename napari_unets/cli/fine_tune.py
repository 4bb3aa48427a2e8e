"""``napari-unets fine-tune``: an image, what is annotated on it, and a model, to a better model."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unets.cli.device import Device
from napari_unets.cli.long_run import end_interrupted, may_replace, stop_on_interrupt, tell_validation
from napari_unets.cli.opening import Axes, Channel, Invert
from napari_unets.cli.terminal import note, progress_bar, told

if TYPE_CHECKING:
    from napari_unets.models import Model

__all__ = ["fine_tune"]


def fine_tune(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image file, OME-Zarr, or folder of images.")],
    annotations: Annotated[
        Path, typer.Argument(metavar="ANNOTATIONS", help="Class ids of the same shape; 0 = not annotated.")
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE ANNOTATIONS]...", help="Further stacks to learn from.")
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL_DIR", help="Folder for the new model.")],
    model: Annotated[str, typer.Option(metavar="NAME", help="A model's name or folder.")] = "em-membranes",
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Steps to train for; 300 by default.")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", min=0.01, help="Minutes to train for.")] = None,
    add_class: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A class that the model does not know; its ids follow the known ones."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which dataset of IMAGE, where there are several.")
    ] = None,
    channel: Channel = None,
    annotations_dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which dataset of ANNOTATIONS, where there are several.")
    ] = None,
    axes: Axes = None,
    invert: Invert = False,
    annotations_axes: Annotated[str | None, typer.Option(metavar="LETTERS", help="As --axes, of ANNOTATIONS.")] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Seed of the random patches and their changes.")
    ] = None,
    device: Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model that is there.")] = False,
) -> None:
    """Fine-tune a model on annotated pixels; Ctrl-C saves the best so far."""
    if steps is not None and minutes is not None:
        raise typer.BadParameter("choose one of --steps and --minutes")
    if more and len(more) % 2:
        raise typer.BadParameter(f"{more[-1]}: every image needs its annotations after it")
    given: dict[str, Any] = {"steps": steps} if steps else {"minutes": minutes} if minutes else {}
    if seed is not None:
        given["seed"] = seed
    overwrite = may_replace(output, resume=resume, overwrite=overwrite)

    from napari_unets.images import open_stack
    from napari_unets.inference import keep_freed_memory
    from napari_unets.learning import (
        AnnotatedStack,
        StoppedEvent,
        TunedEvent,
        iter_fine_tune,
        preflight,
        tuning_settings,
    )
    from napari_unets.learning.checkpoint import ResumeWarning, checkpoint_beside
    from napari_unets.models import ModelExistsError, load_model, model_name
    from napari_unets.models.classes import new_class
    from napari_unets.models.placing import check_place

    if output.exists() and not overwrite:
        raise ModelExistsError(f"{output} exists already; choose another folder, or give --overwrite")
    check_place(output, overwrite=True)
    checkpoint = checkpoint_beside(output)
    finished = False
    keep_freed_memory()
    with (
        ExitStack() as opened,
        stop_on_interrupt() as stopped,
        told(ResumeWarning),
        progress_bar("training") as report,
    ):
        parent = load_model(model)
        sources = [
            AnnotatedStack(
                opened.enter_context(open_stack(seen, dataset=dataset, channel=channel, axes=axes, invert=invert)),
                opened.enter_context(open_stack(painted, dataset=annotations_dataset, axes=annotations_axes)),
            )
            for seen, painted in zip(*2 * [iter([image, annotations, *(more or [])])], strict=True)
        ]
        classes = list(parent.card.classes)
        for added in add_class or ():
            classes.append(new_class(classes, added))
        found = preflight(sources, classes)
        for line in [*found.uses, *(f"warning: {warning}" for warning in found.warnings)]:
            note(line)
        for event in iter_fine_tune(
            parent,
            sources,
            tuning_settings(from_scratch=parent.card.is_untrained, **given),
            classes=classes,
            name=model_name(output.name),
            checkpoint=checkpoint,
            resume=resume,
            device=device,
            cancel=lambda: bool(stopped),
        ):
            if isinstance(event, TunedEvent):
                _save(event.model, output, overwrite=overwrite)
                continue
            tell_validation(event)
            report(getattr(event, "done", 1.0), 1.0)
            finished = isinstance(event, StoppedEvent) and event.finished
    if not finished:
        end_interrupted(stopped)
    checkpoint.unlink(missing_ok=True)


def _save(model: Model, output: Path, *, overwrite: bool) -> None:
    from napari_unets.models import save_model

    note(f"The model was saved to {save_model(model.network, model.card, output, overwrite=overwrite)}.")
