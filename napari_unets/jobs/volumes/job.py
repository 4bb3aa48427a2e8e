"""What is to be made of a volume: all that a process must know to compute any block of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_unets.images import Stack, Statistics, open_stack
from napari_unets.images.note import Note
from napari_unets.images.ome_axes import check_ome_axes, in_ome_order
from napari_unets.images.plane_statistics import PlaneStatistics
from napari_unets.images.pyramid import Pyramid
from napari_unets.images.remote import place_of
from napari_unets.images.volume_store import VolumeStore
from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs.outputs.axes import output_axes
from napari_unets.jobs.outputs.matching import MadeFrom
from napari_unets.jobs.outputs.opening import Opening
from napari_unets.jobs.outputs.record import record
from napari_unets.jobs.outputs.safe_places import Inputs
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.jobs.volumes.block_size import checked_block, choose_block
from napari_unets.jobs.volumes.errors import VolumeError

if TYPE_CHECKING:
    from napari_unets.inference import Predictor
    from napari_unets.models import Model

__all__ = ["VolumeJob", "plan_volume"]

_DTYPES = {"segmentation": "uint8", "probabilities": "float32", "instances": "uint32"}


class VolumeJob(BaseModel):
    """A volume to be computed, with everything settled that could differ from process to process.

    Made by :func:`plan_volume`. It can be pickled, and kept as JSON.

    Attributes
    ----------
    source : str
        Path or address of the image, as every process sees it.
    opening : Opening
        How it is opened.
    output : Path
        The OME-Zarr to be.
    model : str
        Name or folder.
    what : OutputSettings
        What is made of the image.
    settings : InferenceSettings
        How, with window and batch chosen.
    statistics : mapping
        For normalising; see :attr:`known_statistics`.
    made_from : mapping
        See :class:`~napari_unets.jobs.outputs.matching.MadeFrom`.
    axes : str
        Of the output.
    shape : tuple of int
        Of the output, the classes first.
    class_axis : bool
        Whether there are classes, which are c among the axes.
    voxel_size_nm : tuple of float, optional
        Along z, y, x.
    block : tuple of int
        Largest extent of a block along z, y, x.
    classes : tuple of (int, str, str)
        Id, name and colour of each class of a segmentation.
    metadata : mapping
        What the output remembers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    opening: Opening
    output: Path
    model: str
    what: OutputSettings
    settings: InferenceSettings
    statistics: Mapping[str, Any]
    made_from: Mapping[str, Any]
    axes: str
    shape: tuple[int, ...]
    class_axis: bool
    voxel_size_nm: tuple[float, float, float] | None
    block: tuple[int, int, int]
    classes: tuple[tuple[int, str, str], ...]
    metadata: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """A hash of everything."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def origin(self) -> MadeFrom:
        """What the result depends on."""
        made = self.made_from
        return MadeFrom(tuple(made["sources"]), made["model_sha256"], made["settings"])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the output's voxels."""
        return np.dtype(_DTYPES[self.what.output])

    @property
    def store(self) -> VolumeStore:
        """Layout of the output."""
        depth_known = self.voxel_size_nm if "z" in self.axes else None  # times and channels are never made one
        return VolumeStore(
            Pyramid(self.shape, self.block, class_axis=self.class_axis, voxel_size_nm=depth_known),
            self.dtype.name,
            Note(
                self.axes,
                self.voxel_size_nm,
                is_labels=self.what.output != "probabilities",
                metadata=dict(self.metadata),
            ),
            self.classes,
        )

    @property
    def known_statistics(self) -> Statistics:
        """Statistics of the stack; those of each plane by itself are worked out when it is read."""
        if "method" in self.statistics:
            return PlaneStatistics(method=self.statistics["method"], window=self.statistics["window"])
        return Statistics.from_json(self.statistics)

    def open(self) -> Stack:
        """Open the image."""
        return open_source(self.source, self.opening, self.what)

    def run_where(self, source: str, output: Path, model: str, settings: InferenceSettings) -> VolumeJob:
        """Return the same job with the same files, which may have other paths now, on another device or back end."""
        where = settings.model_dump(include={"device", "backend", "threads"})
        kept = self.settings.model_copy(update=where)
        return self.model_copy(update={"source": source, "output": output, "model": model, "settings": kept})


def open_source(source: str | Path, opening: Opening, what: OutputSettings) -> Stack:
    """Open an image as a job does: with its axes in the order of the output's."""
    return in_ome_order(open_stack(source, **opening.model_dump(), pages=what.pages, dpi=what.dpi))


def plan_volume(
    source: str | Path,
    output: str | Path,
    predictor: Predictor,
    what: OutputSettings | None = None,
    *,
    opening: Opening | None = None,
    block: Sequence[int] | None = None,
    begun: VolumeJob | None = None,
    made_from: MadeFrom | None = None,
    cancel: Callable[[], bool] | None = None,
) -> VolumeJob:
    """Settle how a volume is computed. The planes that statistics are taken from are read now.

    Parameters
    ----------
    source : str or Path
        Anything that :func:`~napari_unets.images.open_stack` opens.
    output : str or Path
        ``.ome.zarr``. Nothing is written yet.
    predictor : Predictor
        The model, and where and how it runs.
    what : OutputSettings, optional
        What to make; a segmentation by default.
    opening : Opening, optional
        Where the file does not say what it is.
    block : sequence of 3 int, optional
        Largest extent of a block along z, y, x; chosen by default.
    begun : VolumeJob, optional
        The job that the output was begun with. If it is the same, its statistics, windows and blocks are taken.
    made_from : MadeFrom, optional
        What the result depends on, where that was just looked at; a Zarr of many files takes a while.
    cancel : callable, optional
        Asked while statistics are measured; True stops.

    Returns
    -------
    VolumeJob

    Raises
    ------
    VolumeError
        If this output is not made block by block, would destroy the input, or the blocks asked for are not possible.
    ImageError
        If the image cannot be opened, or no OME-Zarr has such axes as the output would have.
    InferenceError
        If objects are to be linked along an axis that is not the depth.
    Cancelled
        If ``cancel`` said so.
    """
    from napari_unets.inference.depth import check_depth
    from napari_unets.inference.planning import fixed_settings
    from napari_unets.inference.tiles import stack_statistics

    what, opening, model = what or OutputSettings(), opening or Opening(), predictor.model
    if what.kind == "clean" or what.ortho:
        raise VolumeError("clean pages and the mean of three orientations are not made block by block")
    output = Path(output).expanduser().absolute()
    place = place_of(source)
    place = place.absolute() if isinstance(place, Path) else place
    if danger := Inputs([place]).danger(output):
        raise VolumeError(danger)
    made_from = made_from or MadeFrom.of([place], model.card, predictor.settings, what, opening)
    if begun is not None and not begun.origin.difference(made_from):
        return begun.run_where(str(place), output, _name_of(model), predictor.settings)
    with open_source(place, opening, what) as stack:
        if what.link:
            check_depth(stack)
        every = what.kind == "probabilities" and model.card.out_channels > 1
        axes = output_axes(stack, every_class=every)
        check_ome_axes(axes, output)
        classes = (model.card.out_channels,) if every else ()
        shape = (*classes, *stack.shape[: stack.plane_axes], *stack.plane_shape)
        sizes = _bytes_per_pixel(stack, what, classes)
        whole = what.kind == "instances"
        cut = (
            choose_block(shape, sizes, whole_planes=whole)
            if block is None
            else checked_block(block, shape, whole_planes=whole)
        )
        settings = fixed_settings(predictor, min(cut[1], shape[-2]), min(cut[2], shape[-1]), cut[0])
        return VolumeJob(
            source=str(place),
            opening=opening,
            output=output,
            model=_name_of(model),
            what=what,
            settings=settings,
            statistics=_statistics_json(stack_statistics(model, stack, cancel=cancel)),
            made_from=made_from.to_dict(),
            axes=axes,
            shape=shape,
            class_axis=every,
            voxel_size_nm=stack.voxel_size_nm,
            block=cut,
            classes=() if what.kind != "segmentation" else tuple((c.id, c.name, c.color) for c in model.card.classes),
            metadata=record(
                model,
                what.output,
                predictor.settings,
                image=stack.name,
                made_from=made_from.to_dict(),
                **what.changed(),
                **opening.changed(),
            ),
        )


def _name_of(model: Model) -> str:
    return str(model.folder.absolute() if model.folder is not None else model.name)


def _bytes_per_pixel(stack: Stack, what: OutputSettings, classes: tuple[int, ...]) -> int:
    samples = stack.shape[-1] if stack.is_rgb else 1
    return max(stack.dtype.itemsize * samples, np.dtype(_DTYPES[what.output]).itemsize * prod(classes))


def _statistics_json(statistics: Statistics) -> dict[str, Any]:
    if isinstance(statistics, PlaneStatistics):
        return {"method": statistics.method, "window": statistics.window}
    return dict(statistics.to_json())
