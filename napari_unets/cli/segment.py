"""``napari-unets segment``: images to class ids, probabilities or objects."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unets.cli.outputs import WriterArray, plan_outputs
from napari_unets.cli.record import Output, record
from napari_unets.cli.terminal import note, progress_bar

if TYPE_CHECKING:
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
        typer.Argument(metavar="INPUT...", help="Image files, OME-Zarrs, or folders of images (a stack each)."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="A .tif, an .ome.zarr, or a folder: a TIFF an INPUT.")
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="A model's name or folder.")] = "em-membranes",
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Write probabilities of class 1.")] = False,
    instances: Annotated[bool, typer.Option("--instances", help="Write objects, one id each.")] = False,
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
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")] = False,
) -> None:
    """Segment images, stacks and folders of images."""
    if probabilities and instances:
        raise typer.BadParameter("choose one of --probabilities and --instances")
    kind: Output = "probabilities" if probabilities else "instances" if instances else "segmentation"
    settings = _settings(
        device=device,
        backend=backend.value,
        precision=precision.value,
        tta=tta,
        tile=tile,
        halo=int(halo) if halo.isdecimal() else halo,
    )
    targets = plan_outputs(inputs, output, overwrite=overwrite)

    from napari_unets.inference import Predictor
    from napari_unets.models import load_model

    with Predictor(load_model(model), settings) as predictor:
        note(f"{predictor.model.name}: {predictor.backend} in {predictor.precision}. {predictor.device_reason}.")
        for source, target in zip(inputs, targets, strict=True):
            _segment_one(source, target, predictor, kind, overwrite=overwrite)
            note(f"{source} → {target}")


def _settings(**values: Any) -> InferenceSettings:
    from pydantic import ValidationError

    from napari_unets.inference import InferenceSettings

    try:
        return InferenceSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = first["loc"][0]
        raise typer.BadParameter(f"{values[str(option)]}: {first['msg']}", param_hint=f"--{option}") from None


def _segment_one(source: Path, target: Path, predictor: Predictor, kind: Output, *, overwrite: bool) -> None:
    """Write the result for one input; whatever interrupts it, nothing half-written is left."""
    import numpy as np

    from napari_unets.images import create_writer, open_stack
    from napari_unets.inference import predict
    from napari_unets.inference import segment as segment_stack

    model = predictor.model
    with open_stack(source) as stack, progress_bar(source.name) as report:
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
            metadata=record(model, kind, predictor.settings, image=stack.name),
            labels=kind != "probabilities",
            overwrite=overwrite,
        ) as writer:
            common: dict[str, Any] = {"predictor": predictor, "on_event": _told(report), "out": WriterArray(writer)}
            if kind == "probabilities":
                predict(model, stack, all_classes=every, **common)
            else:
                segment_stack(model, stack, instances=kind == "instances", **common)


def _told(report: Callable[[int, int], None]) -> Callable[[TileEvent], None]:
    return lambda event: report(event.done, event.total)
