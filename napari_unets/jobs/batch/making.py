"""One output of one input, written beside its place and moved in whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.jobs.outputs.axes import output_axes
from napari_unets.jobs.outputs.documents import write_pages
from napari_unets.jobs.outputs.order import Order, Report
from napari_unets.jobs.outputs.record import record
from napari_unets.jobs.outputs.writer_array import WriterArray
from napari_unets.jobs.volumes.ledger import ledger_path

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.inference import Predictor
    from napari_unets.jobs.outputs.matching import MadeFrom
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["make_output"]


def make_output(
    sources: Sequence[str],
    target: Path,
    predictor: Predictor,
    settings: OutputSettings,
    made_from: MadeFrom,
    report: Report,
    *,
    opening: Opening,
    overwrite: bool,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Make an output; whatever interrupts it, nothing half-written is left.

    Parameters
    ----------
    sources : sequence of str
        The input; of clean pages, several documents may become one.
    target : Path
        The output. Its folder is made.
    predictor : Predictor
        Runs the model.
    settings : OutputSettings
        What to make, and how.
    made_from : MadeFrom
        Kept in the output, for :meth:`~napari_unets.jobs.outputs.matching.MadeFrom.difference`.
    report : callable
        Told how much of how much is done.
    opening : Opening
        Where the file does not say what it is; documents and their pages need none of it.
    overwrite : bool
        Replace what is there.
    cancel : callable, optional
        Asked between windows; True stops.

    Raises
    ------
    ImageError, InferenceError
        As those who open, run and write.
    Cancelled
        If ``cancel`` said True.
    """
    name = ", ".join(Path(source).name for source in sources) if settings.kind == "clean" else Path(sources[0]).stem
    metadata = record(
        predictor.model,
        settings.output,
        predictor.settings,
        image=name,
        made_from=made_from.to_dict(),
        **settings.changed(),
        **opening.changed(),
    )
    order = Order(predictor, settings, metadata, report, overwrite=overwrite, cancel=cancel)
    if settings.kind == "clean":
        metadata["napari_unets"] |= {"output": "clean pages", "colour": settings.colour}
        write_pages(sources, target, order, invert=opening.invert)
    else:
        _make_of_stack(sources[0], opening, target, order, metadata)


def _make_of_stack(source: str, opening: Opening, target: Path, order: Order, metadata: dict[str, Any]) -> None:
    from napari_unets.images import MixedSizesError, open_stack
    from napari_unets.images.ome_axes import in_ome_order

    settings = order.settings
    try:
        stack = open_stack(source, **opening.model_dump(), pages=settings.pages, dpi=settings.dpi)
    except MixedSizesError:
        if not opening.is_for_pages or not _is_document(source, order) or not _makes_pages(target, order):
            raise
        write_pages([source], target, order, invert=opening.invert)
        return
    if target.suffix.lower() == ".zarr" or settings.link or settings.ortho:  # z is last before y then
        stack = in_ome_order(stack)
    with stack:
        metadata["napari_unets"]["image"] = stack.name
        _write_stack(stack, target, order)
    ledger_path(target).unlink(missing_ok=True)  # of a volume made block by block that was there before


def _is_document(source: str, order: Order) -> bool:
    """Whether pages of several sizes are no mistake: in a file they are; a folder is a stack of sections otherwise."""
    return Path(source).is_file() or order.predictor.model.card.task == "document"


def _makes_pages(target: Path, order: Order) -> bool:
    """Whether the output can be written page by page."""
    flat = order.settings.kind in ("segmentation", "probabilities") and not order.settings.ortho
    return target.suffix.lower() in (".tif", ".tiff") and flat and not _has_every_class(order)


def _has_every_class(order: Order) -> bool:
    """Whether the output has an axis of classes."""
    return order.settings.kind == "probabilities" and order.predictor.model.card.out_channels > 1


def _resolution(stack: Stack) -> dict[str, Any]:
    """Pixels per inch of a scan, if all pages have the same."""
    pages = stack.metadata.get("pages")
    found = {tuple(page.get("dpi") or ()) for page in (pages if isinstance(pages, list) else [stack.metadata])}
    return {"dpi": list(dpi)} if len(found) == 1 and (dpi := found.pop()) else {}


def _write_stack(stack: Stack, target: Path, order: Order) -> None:
    import numpy as np

    from napari_unets.images import create_writer
    from napari_unets.inference import predict, segment

    model, settings, every = order.predictor.model, order.settings, _has_every_class(order)
    axes = output_axes(stack, every_class=every)
    shape = [*stack.shape[: stack.plane_axes], *stack.plane_shape]
    class_axis = axes.index("c") if every else 0
    if every:
        shape.insert(class_axis, model.card.out_channels)
    dtype = {"segmentation": np.uint8, "probabilities": np.float32, "instances": np.uint32}[settings.output]
    target.parent.mkdir(parents=True, exist_ok=True)
    with create_writer(
        target,
        shape,
        dtype,
        axes=axes,
        voxel_size_nm=stack.voxel_size_nm,
        metadata={**order.metadata, **_resolution(stack)},
        labels=settings.kind != "probabilities",
        overwrite=order.overwrite,
    ) as writer:
        common = {**order.how(), "out": WriterArray(writer, class_axis)}
        if settings.kind == "probabilities":
            predict(model, stack, all_classes=every, **settings.of_prediction(), **common)
        else:
            segment(model, stack, **settings.of_segmentation(), **common)
