"""Isotropic volumes seen from three sides: the mean of a model's probabilities over xy, xz and yz planes."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_unets.images import ImageWriteError, Stack, Statistics, as_stack
from napari_unets.images.writing import allocate
from napari_unets.inference.depth import check_depth
from napari_unets.inference.errors import AnisotropicError, InferenceError
from napari_unets.inference.planning import resolve_halo
from napari_unets.inference.predictor import Predictor, predictor_for
from napari_unets.inference.settings import InferenceSettings
from napari_unets.inference.tiles import TileEvent, iter_tiles, stack_statistics

if TYPE_CHECKING:
    from napari_unets.models import Model

__all__ = ["BLOCK_VOXELS", "LARGEST_RATIO", "OrthoBlock", "check_isotropic", "ortho_blocks", "scratch_volume"]

#: Longest over shortest side of a voxel, from which on planes across the sections are not what a model knows.
LARGEST_RATIO = 1.5

#: Voxels of a result that are held in memory, 4 bytes a class and voxel.
BLOCK_VOXELS = 2**27

_Floats = npt.NDArray[np.float32]
_Box = tuple[slice, slice, slice]

#: Axes of the volume (z, y, x) in the order in which each orientation looks at them: planes, rows, columns.
_ORIENTATIONS = ((1, 0, 2), (2, 0, 1), (0, 1, 2))


@dataclass(frozen=True)
class OrthoBlock:
    """A finished part of the volume.

    Attributes
    ----------
    place : tuple
        Index of the part in an array of the stack's axes without colour: numbers for the axes before z, and three
        slices.
    probabilities : ndarray of float32, shape (classes, z, y, x)
        Means over the orientations; of a model of two classes only class 1.
    """

    place: tuple[int | slice, ...]
    probabilities: _Floats


def check_isotropic(stack: Stack, *, force: bool = False) -> None:
    """Refuse what looks different from different sides.

    Parameters
    ----------
    stack : Stack
        The image.
    force : bool
        Take it whatever its voxel size.

    Raises
    ------
    AnisotropicError
        If its voxels are more than 1.5 times as long in one direction as in another. Unknown sizes pass.
    InferenceError
        If it is no volume, or its last axis before y is not its depth.
    """
    check_depth(stack)
    if stack.shape[stack.plane_axes - 1] < 2:
        raise InferenceError(f"{stack.path or stack.name}: is a single plane; ortho needs a volume of several")
    size = stack.voxel_size_nm
    if size is not None and max(size) > LARGEST_RATIO * min(size) and not force:
        raise AnisotropicError(
            f"{stack.path or stack.name}: its voxels of {size[0]:g} × {size[1]:g} × {size[2]:g} nm (z, y, x) are "
            f"{max(size) / min(size):.1f} times as long in one direction as in another, so its xz and yz planes are "
            "not what a model for sections knows; leave ortho out, resample the volume, or say ortho='force' in Python "
            "if the file is wrong about its voxels"
        )


def ortho_blocks(
    model: Model,
    stack: Stack,
    *,
    settings: InferenceSettings | None = None,
    on_event: Callable[[TileEvent], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    block_voxels: int = BLOCK_VOXELS,
    **overrides: Any,
) -> Iterator[OrthoBlock]:
    """Run a model over the planes of all three orientations, and average.

    The volume is cut into blocks, as few and as cubic as possible. Of each one the image is read once, with the halo
    around it, so the memory does not grow with the volume; the planes' halos are computed again for neighbouring
    blocks. Statistics for normalising are those of the xy planes, for all orientations.

    Parameters
    ----------
    model, stack, settings, cancel, predictor, **overrides
        As for :func:`~napari_unets.inference.iter_tiles`. The last axis before y is taken for z.
    on_event : callable, optional
        Called after each plane of any orientation with an event that holds no pixels: it tells the progress.
    block_voxels : int
        Largest block.

    Yields
    ------
    OrthoBlock
        Each voxel is in one of them.

    Raises
    ------
    InferenceError
        If the model judges each plane by itself (Otsu, Wolf): what it finds in planes that are no pages depends on how
        the volume lies.
    Cancelled, WindowMemoryError
        As :func:`~napari_unets.inference.iter_tiles`.
    """
    if model.card.normalisation.method in ("otsu", "wolf"):
        raise InferenceError(
            f"model {model.name!r} finds its threshold on each page by itself, and the xz and yz planes of a volume "
            "are no pages; leave ortho out, or choose another model"
        )
    own = predictor is None
    predictor = predictor_for(model, settings, overrides, predictor)
    try:
        run = _Run(predictor, stack, stack_statistics(model, stack, cancel=cancel), cancel, on_event)
        shape = (stack.shape[stack.plane_axes - 1], *stack.plane_shape)
        boxes = list(_boxes(shape, block_voxels))
        volumes = list(np.ndindex(stack.shape[: stack.plane_axes - 1]))
        run.total = len(volumes) * sum(side.stop - side.start for box in boxes for side in box)
        for volume, box in itertools.product(volumes, boxes):
            yield OrthoBlock((*volume, *box), run.block(volume, box, shape))
    finally:
        if own:
            predictor.close()


@dataclass
class _Run:
    predictor: Predictor
    stack: Stack
    statistics: Statistics
    cancel: Callable[[], bool] | None
    on_event: Callable[[TileEvent], None] | None
    total: int = 0
    done: int = 0
    begun: float = field(default_factory=time.monotonic)

    def block(self, volume: tuple[int, ...], box: _Box, shape: tuple[int, ...]) -> _Floats:
        """Mean probabilities (classes, z, y, x) of a block."""
        seen = [self._with_halo(side, n) for side, n in zip(box, shape, strict=True)]
        image = self.stack[(*volume, *seen)]
        inner = [slice(b.start - s.start, b.stop - s.start) for b, s in zip(box, seen, strict=True)]
        sides = tuple(side.stop - side.start for side in box)
        mean = np.zeros((self.predictor.model.card.out_channels, *sides), np.float32)
        for order in _ORIENTATIONS:
            turned = as_stack(
                image.transpose(*order, *range(3, image.ndim)),
                axes="zyxs" if self.stack.is_rgb else "zyx",
                name=self.stack.name,
            )
            view = mean.transpose(0, *(axis + 1 for axis in order))
            for plane, probabilities in self._planes(turned, [inner[axis] for axis in order]):
                view[:, plane] += probabilities
                self._tell(box, volume)
        mean /= len(_ORIENTATIONS)
        return mean

    def _with_halo(self, side: slice, n: int) -> slice:
        """Part of an axis that a block looks at; it begins where windows of the whole may begin."""
        geometry = self.predictor.geometry
        reach = resolve_halo(self.predictor) + geometry.margin + 2 * geometry.stride + geometry.smallest
        return slice(geometry.below(max(0, side.start - reach)), min(n, side.stop + reach))

    def _planes(self, turned: Stack, inner: Sequence[slice]) -> Iterator[tuple[int, _Floats]]:
        """Planes of one orientation, by their number within the block, complete and final."""
        planes, rows, columns = inner
        plane = np.empty((0, 0, 0), np.float32)
        number = -1
        for event in iter_tiles(
            self.predictor.model,
            turned,
            planes=range(planes.start, planes.stop),
            window=(rows, columns),
            cancel=self.cancel,
            predictor=self.predictor,
            statistics=self.statistics,
        ):
            if event.plane != number:
                if number >= 0:
                    yield number - planes.start, plane
                number = event.plane
                classes = 1 if event.probabilities.ndim == 2 else len(event.probabilities)
                plane = np.empty((classes, rows.stop - rows.start, columns.stop - columns.start), np.float32)
            y, x = event.y, event.x
            plane[:, y.start - rows.start : y.stop - rows.start, x.start - columns.start : x.stop - columns.start] = (
                event.probabilities
            )
        yield number - planes.start, plane

    def _tell(self, box: _Box, volume: tuple[int, ...]) -> None:
        self.done += 1
        if self.on_event is None:
            return
        plane = int(np.ravel_multi_index((*volume, box[0].start), self.stack.shape[: self.stack.plane_axes]))
        nothing = slice(box[1].start, box[1].start), slice(box[2].start, box[2].start)
        left = (time.monotonic() - self.begun) / self.done * (self.total - self.done)
        self.on_event(TileEvent(plane, *nothing, np.empty((0, 0), np.float32), self.done, self.total, left))


def _boxes(shape: tuple[int, ...], largest: int) -> Iterator[_Box]:
    """Cut a volume into near-cubic boxes of at most so many voxels."""
    parts = [1, 1, 1]
    while prod(sides := [-(-n // p) for n, p in zip(shape, parts, strict=True)]) > max(largest, 1):
        parts[int(np.argmax(sides))] += 1
    cuts = [[n * i // p for i in range(p + 1)] for n, p in zip(shape, parts, strict=True)]
    z, y, x = ([slice(a, b) for a, b in itertools.pairwise(edges)] for edges in cuts)
    yield from itertools.product(z, y, x)


@contextmanager
def scratch_volume(shape: tuple[int, ...], *, in_memory: int = 2 * BLOCK_VOXELS) -> Iterator[_Floats]:
    """Give room for probabilities until they are used: in memory, or of large volumes in a temporary file.

    Parameters
    ----------
    shape : tuple of int
        Of the volume.
    in_memory : int
        Voxels up to which no file is made. It lies where ``TMPDIR`` says, 4 bytes a voxel.

    Raises
    ------
    ImageWriteError
        If there is no room for the file.
    """
    if prod(shape) <= in_memory:
        yield np.empty(shape, np.float32)
        return
    with tempfile.TemporaryFile(prefix="napari-unets-") as file:
        try:
            file.truncate(4 * prod(shape))
            allocate(file, 0, 4 * prod(shape))
        except OSError as error:
            raise ImageWriteError(
                f"{tempfile.gettempdir()}: has no room for {4 * prod(shape) / 1e9:.1f} GB of probabilities that are "
                f"kept until objects are found ({error.strerror}); make room, or let TMPDIR name a larger folder"
            ) from error
        yield np.memmap(file, np.float32, "r+", shape=shape)
