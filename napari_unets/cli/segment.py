"""``napari-unets segment``: images to class ids, probabilities or objects."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unets.cli.documents import PageChoice, clean_document, is_document, label_pages, plan_documents
from napari_unets.cli.outputs import WriterArray, make_all, plan_outputs
from napari_unets.cli.record import Output, record
from napari_unets.cli.terminal import Report, note, progress_bar
from napari_unets.cli.volumes import VolumeChoice

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.inference import InferenceSettings, Predictor, TileEvent

__all__ = ["segment"]


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
        list[Path],
        typer.Argument(metavar="INPUT...", help="Image files, PDFs, OME-Zarrs, or folders of images (a stack each)."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A .tif, an .ome.zarr, or a folder: a TIFF an INPUT. A .pdf or .png: clean pages.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A model's name or folder. By default em-membranes; of documents document-ink, or sauvola.",
            show_default=False,
        ),
    ] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities of class 1.")] = False,
    instances: Annotated[bool, typer.Option("--instances", help="Write objects, one id each.")] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Objects in 3-D: one id through all planes. Means --instances.")
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
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to run; cuda:1 for a second GPU.")
    ] = "auto",
    backend: Annotated[Backend, typer.Option(help="What computes the network.")] = Backend.AUTO,
    precision: Annotated[Precision, typer.Option(help="bf16 is faster where the hardware has it.")] = Precision.AUTO,
    tta: Annotated[
        bool, typer.Option("--tta", help="Average over the eight flips and rotations; 8 times slower.")
    ] = False,
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
    resume: Annotated[bool, typer.Option("--resume", help="Leave outputs that are there as they are.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
) -> None:
    """Segment images, stacks, folders of images and documents."""
    volume, instances = VolumeChoice(link, merge_below, ortho), instances or link
    if probabilities and instances:
        raise typer.BadParameter("choose one of --probabilities and --instances")
    if resume and overwrite:
        raise typer.BadParameter("choose one of --resume and --overwrite")
    clean = is_document(output, clean=clean or colour)
    if clean and (probabilities or instances or ortho):
        raise typer.BadParameter("clean pages are neither probabilities, instances nor a volume; write a .tif instead")
    kind: Output = "probabilities" if probabilities else "instances" if instances else "segmentation"
    settings = _settings(
        device=device,
        backend=backend.value,
        precision=precision.value,
        tta=tta,
        tile=tile,
        halo=int(halo) if halo.isdecimal() else halo,
    )
    choice = PageChoice(pages, dpi)
    replace = overwrite or resume  # what is there is then left out below
    if clean:
        plan = plan_documents(inputs, output, overwrite=replace)
    else:
        targets = plan_outputs(inputs, output, overwrite=replace)
        plan = [([source], target) for source, target in zip(inputs, targets, strict=True)]
    if resume and (done := [target for _, target in plan if target.exists()]):
        note(f"{len(done)} of {len(plan)} outputs are there already and are left as they are")
        plan = [(sources, target) for sources, target in plan if target not in done]
        if not plan:
            return

    from napari_unets.inference import Predictor
    from napari_unets.models import load_model

    with Predictor(load_model(model or _default_model(inputs, clean=clean)), settings) as predictor:
        note(f"{predictor.model.name}: {predictor.backend} in {predictor.precision}. {predictor.device_reason}.")

        def make(sources: list[Path], target: Path) -> None:
            with progress_bar(sources[0].name) as report:
                if clean:
                    clean_document(
                        sources, target, predictor, report, choice=choice, colour=colour, overwrite=overwrite
                    )
                else:
                    _segment_one(sources[0], target, predictor, report, kind, choice, volume, overwrite=overwrite)

        make_all(plan, make)


def _default_model(inputs: list[Path], *, clean: bool) -> str:
    from napari_unets.models import ModelStore

    if not clean and not any(path.suffix.lower() == ".pdf" for path in inputs):
        return "em-membranes"
    return "document-ink" if "document-ink" in ModelStore().folders() else "sauvola"


def _settings(**values: Any) -> InferenceSettings:
    from pydantic import ValidationError

    from napari_unets.inference import InferenceSettings

    try:
        return InferenceSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = first["loc"][0]
        raise typer.BadParameter(f"{values[str(option)]}: {first['msg']}", param_hint=f"--{option}") from None


def _segment_one(
    source: Path,
    target: Path,
    predictor: Predictor,
    report: Report,
    kind: Output,
    choice: PageChoice,
    volume: VolumeChoice,
    *,
    overwrite: bool,
) -> None:
    """Write the result for one input; whatever interrupts it, nothing half-written is left."""
    from napari_unets.images import MixedSizesError, open_stack

    try:
        stack = open_stack(source, pages=choice.pages, dpi=choice.dpi)
    except MixedSizesError:
        if kind != "segmentation" or volume.ortho or target.suffix.lower() not in (".tif", ".tiff"):
            raise
        label_pages(source, target, predictor, report, choice=choice, overwrite=overwrite)
        return
    with stack:
        _segment_stack(stack, target, predictor, report, kind, volume, overwrite=overwrite)


def _segment_stack(
    stack: Stack,
    target: Path,
    predictor: Predictor,
    report: Report,
    kind: Output,
    volume: VolumeChoice,
    *,
    overwrite: bool,
) -> None:
    import numpy as np

    from napari_unets.images import create_writer
    from napari_unets.inference import predict
    from napari_unets.inference import segment as segment_stack

    model = predictor.model
    every = kind == "probabilities" and model.card.out_channels > 1
    axes = ("c" if every else "") + stack.axes.removesuffix("s")
    shape = (*((model.card.out_channels,) if every else ()), *stack.shape[: stack.plane_axes], *stack.plane_shape)
    dtype = {"segmentation": np.uint8, "probabilities": np.float32, "instances": np.uint32}[kind]
    target.parent.mkdir(parents=True, exist_ok=True)
    with create_writer(
        target,
        shape,
        dtype,
        axes=axes,
        voxel_size_nm=stack.voxel_size_nm,
        metadata=record(model, kind, predictor.settings, image=stack.name, **volume.to_record()),
        labels=kind != "probabilities",
        overwrite=overwrite,
    ) as writer:
        common: dict[str, Any] = {"predictor": predictor, "on_event": _told(report), "out": WriterArray(writer)}
        if kind == "probabilities":
            predict(model, stack, all_classes=every, **volume.of_prediction(), **common)
        else:
            asked = volume.of_instances() if kind == "instances" else volume.of_prediction()
            segment_stack(model, stack, **asked, **common)


def _told(report: Callable[[int, int], None]) -> Callable[[TileEvent], None]:
    return lambda event: report(event.done, event.total)
