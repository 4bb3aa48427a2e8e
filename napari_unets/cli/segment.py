"""``napari-unets segment``: images to class ids, probabilities, objects or clean pages."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from napari_unets.cli.device import Device
from napari_unets.cli.opening import Axes, Channel, Dataset, Invert, Level, VoxelSize, opening_of
from napari_unets.cli.terminal import note

if TYPE_CHECKING:
    from pydantic import BaseModel

    from napari_unets.jobs.outputs.settings import Kind

__all__ = ["segment"]

_M = TypeVar("_M", bound="BaseModel")


class Backend(StrEnum):
    """What computes the network."""

    AUTO = "auto"
    TORCH = "torch"
    OPENVINO = "openvino"


class Precision(StrEnum):
    """What it computes in."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


def segment(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Image files, PDFs, OME-Zarrs, folders of images (a stack each), or patterns such as 'scans/*.tif'.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A .tif, an .ome.zarr, or a folder for a TIFF of each INPUT. A .pdf or .png: clean pages.",
        ),
    ],
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Names of outputs in a folder, such as '{stem}_{model}.tif'; "
            "also {ext}, {kind}, {parent}, {number:03}.",
        ),
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Take each image of a folder by itself, instead of the folder as a stack.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A model's name or folder. By default em-membranes, and of documents document-ink.",
            show_default=False,
        ),
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities of class 1.")] = False,
    instances: Annotated[bool, typer.Option("--instances", help="Write objects, one id each.")] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Objects in 3-D: one id through all planes. Implies --instances.")
    ] = False,
    merge_below: Annotated[
        float | None,
        typer.Option(
            metavar="P", min=0, max=1, help="With --link: merge regions whose border is membrane by less than this."
        ),
    ] = None,
    ortho: Annotated[
        bool, typer.Option("--ortho", help="Average xy, xz and yz planes of an isotropic volume; 3 times slower.")
    ] = False,
    device: Device = "auto",
    backend: Annotated[Backend, typer.Option(help="What computes the network.")] = Backend.AUTO,
    precision: Annotated[Precision, typer.Option(help="bf16 is faster where the hardware has it.")] = Precision.AUTO,
    tta: Annotated[
        bool, typer.Option("--tta", help="Average over the eight flips and rotations; 8 times slower.")
    ] = False,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="S|auto",
            help="How much larger the network sees images: 2 if pixels are twice as large as those it learnt from; "
            "auto: found from the pixel sizes, or from the first image. By default as they are.",
            show_default=False,
        ),
    ] = None,
    tile: Annotated[int | None, typer.Option(metavar="N", help="Largest side of a window, in pixels.")] = None,
    halo: Annotated[
        str, typer.Option(metavar="N|exact", help="Pixels seen around a window; by default what the model's card says.")
    ] = "card",
    clean: Annotated[
        bool,
        typer.Option("--clean", help="Write clean pages, ink black on white; of a folder to a folder, file by file."),
    ] = False,
    colour: Annotated[
        bool, typer.Option("--keep-colour", help="Clean pages whose ink keeps its colour, on white.")
    ] = False,
    pages: Annotated[
        str | None, typer.Option(metavar="1-3,7", help="Which pages of each INPUT; all by default.")
    ] = None,
    dpi: Annotated[
        float | None, typer.Option(metavar="N", help="Pixels an inch of PDFs; by default those of the scan, or 300.")
    ] = None,
    dataset: Dataset = None,
    channel: Channel = None,
    level: Level = 0,
    axes: Axes = None,
    voxel_size: VoxelSize = None,
    invert: Invert = False,
    workers: Annotated[
        str | None,
        typer.Option(metavar="N|auto", help="Several processes make an .ome.zarr; auto: one for each GPU."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The workers of a Dask scheduler make an .ome.zarr.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print only how long an .ome.zarr will take and how large it will be.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Skip outputs that are there and still match input, model and settings.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what has become of each INPUT, as JSON.")
    ] = None,
) -> None:
    """Segment images, stacks, folders of images and documents; one that cannot be read does not stop the others."""
    from napari_unets.cli.batch import make_all
    from napari_unets.cli.estimate import print_estimate
    from napari_unets.cli.outputs import check_format, find_inputs, is_document, is_one_file, plan_outputs
    from napari_unets.cli.scale import AUTO, advise, with_scale_found
    from napari_unets.cli.workers import executor
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.jobs.batch.events import BatchJob
    from napari_unets.jobs.outputs.settings import OutputSettings
    from napari_unets.models import load_model

    instances = instances or link
    if probabilities and instances:
        raise typer.BadParameter("choose one of --probabilities and --instances")
    if resume and overwrite:
        raise typer.BadParameter("choose one of --resume and --overwrite")
    if pattern is not None and is_one_file(output):
        raise typer.BadParameter(f"{output} is one file; a pattern names the files in a folder", param_hint="--pattern")
    if merge_below is not None and not link:
        raise typer.BadParameter("regions are merged before they are linked; add --link", param_hint="--merge-below")
    check_format(output)
    clean = is_document(output, pattern, clean=clean or colour)
    if clean and (probabilities or instances or ortho):
        raise typer.BadParameter("clean pages are neither probabilities, instances nor a volume; write a .tif instead")
    opening = opening_of(dataset, channel, level, axes, voxel_size, invert=invert)
    if clean and not opening.is_for_pages:
        raise typer.BadParameter(
            "clean pages are made of pages, which have none of --dataset, --channel, --level, --axes and --voxel-size"
        )
    kind: Kind = (
        "clean" if clean else "probabilities" if probabilities else "instances" if instances else "segmentation"
    )
    settings = _checked(
        InferenceSettings,
        device=device,
        backend=backend.value,
        precision=precision.value,
        tta=tta,
        scale=1.0 if scale in (None, AUTO) else scale,
        tile=tile,
        halo=int(halo) if halo.isdecimal() else halo,
    )
    made = _checked(
        OutputSettings, kind=kind, link=link, merge_below=merge_below, ortho=ortho, pages=pages, dpi=dpi, colour=colour
    )
    sources = find_inputs(inputs, output, each=each, kind=kind)
    model = model or _default_model(sources, clean=clean)
    loaded = load_model(model)
    card = loaded.card
    if card.is_untrained:
        note(f"warning: {card.name} has random weights and knows nothing yet; fine-tune it first")
    items = plan_outputs(sources, output, pattern, model=card.name, kind=kind)
    if scale is None:
        advise(card, sources, opening, made)
    elif scale == AUTO:
        settings = with_scale_found(settings, loaded, sources, opening, made)
    existing: Any = "resume" if resume else "overwrite" if overwrite else "refuse"
    job = BatchJob(model, tuple(items), made, settings, existing, opening)
    if estimate:
        print_estimate(job)
        return
    with executor(job, workers, scheduler) as execute:
        make_all(job, report, execute)


def _default_model(sources: Sequence[str], *, clean: bool) -> str:
    from napari_unets.jobs.batch.sources import holds_documents

    return "document-ink" if clean or any(map(holds_documents, sources)) else "em-membranes"


def _checked(settings: type[_M], /, **values: Any) -> _M:
    from pydantic import ValidationError

    from napari_unets.inference.settings import explain

    try:
        return settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0])
        hint = "--" + option.replace("_", "-")
        raise typer.BadParameter(f"{values[option]}: {explain(option, first['msg'])}", param_hint=hint) from None
