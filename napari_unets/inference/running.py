"""Whole stacks to probabilities and to labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, as_stack
from napari_unets.images.arrays import first_level
from napari_unets.inference.checks import check_min_size, check_threshold
from napari_unets.inference.depth import check_depth
from napari_unets.inference.errors import Cancelled, InferenceError
from napari_unets.inference.ortho import check_isotropic, ortho_blocks, scratch_volume
from napari_unets.inference.plane_objects import PlaneLinks, PlaneObjects
from napari_unets.inference.tiles import TileEvent, iter_tiles
from napari_unets.inference.writing import check_out, sink_for
from napari_unets.models import check_model

if TYPE_CHECKING:
    from napari_unets.inference.linking import LinkSettings
    from napari_unets.inference.predictor import Predictor
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.models import Model

__all__ = ["class_ids", "predict", "segment"]

_Floats = npt.NDArray[np.float32]


def predict(
    model: Model,
    stack: Any,
    *,
    out: Any = None,
    all_classes: bool = False,
    ortho: bool | Literal["force"] = False,
    settings: InferenceSettings | None = None,
    on_event: Callable[[TileEvent], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    **overrides: Any,
) -> Any:
    """Probabilities of a stack's pixels.

    Parameters
    ----------
    model : Model
        What to run.
    stack : Stack or array
        A stack, or a numpy, Dask or Zarr array of 2 to 4 axes (one more for colour); of an image in several
        resolutions the first. It is read plane by plane, planes of more than 16 million pixels in strips.
    out : array, optional
        A numpy or Zarr array to write into, in the precision of its type; a new numpy array by default.
    all_classes : bool
        Return every class, along a new first axis, and not only class 1.
    ortho : bool or "force"
        Of a volume with voxels as deep as wide, take the mean of the probabilities that its xy, xz and yz planes
        give; three times the work. It is computed in blocks of about 0.5 GB, and ``on_event`` then tells the progress
        only. ``"force"`` does so whatever the voxel size is said to be.
    settings : InferenceSettings, optional
        Where and how to run; ``overrides`` replace single settings, such as ``device="cpu"`` or ``tta=True``.
    on_event : callable, optional
        Called with the :class:`~napari_unets.inference.TileEvent` of each window.
    cancel : callable, optional
        Asked between windows, and while statistics are measured; True stops.
    predictor : Predictor, optional
        One made before from the same model, to be used again.

    Returns
    -------
    ndarray of float32, or ``out``
        In [0, 1]. The image's axes without colour: (z, y, x) for a stack, (y, x) for a 2-D array; with
        ``all_classes`` (classes, z, y, x).

    Raises
    ------
    OutputError
        If ``out`` has another shape or holds no real numbers.
    Cancelled
        If ``cancel`` said True; what was written before stays in ``out``.
    AnisotropicError
        If ``ortho`` is asked for and the voxels are more than 1.5 times as long in one direction as in another.
    NotAModelError, InferenceSettingError, DeviceError, BackendError, WindowMemoryError
        See there.
    """
    check_model(model)
    job = _Job(stack)
    if ortho:
        check_isotropic(job.stack, force=ortho == "force")
    n_classes = max(2, model.card.out_channels)
    shape = (n_classes, *job.shape) if all_classes else job.shape
    result = job.target(out, shape, np.float32, "f")
    run: dict[str, Any] = {"settings": settings, "cancel": cancel, "predictor": predictor, **overrides}
    if ortho:
        for block in ortho_blocks(model, job.stack, on_event=on_event, **run):
            values = block.probabilities
            if all_classes:
                values = values if len(values) > 1 else np.concatenate([values, 1 - values])
                result[(slice(0, len(values)), *block.place)] = values
            else:
                result[block.place] = values[0]
        return result
    with closing(sink_for(result, job.planes)) as sink:
        for event in iter_tiles(model, job.stack, **run):
            values = _of_every_class(event.probabilities) if all_classes else event.first_class
            sink.write(event.plane, event.y, event.x, values)
            if on_event is not None:
                on_event(event)
    return result


def segment(
    model: Model,
    stack: Any,
    *,
    instances: bool | Literal["3d"] = False,
    out: Any = None,
    threshold: float | None = None,
    min_size: int = 64,
    linking: LinkSettings | None = None,
    ortho: bool | Literal["force"] = False,
    settings: InferenceSettings | None = None,
    on_event: Callable[[TileEvent], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    **overrides: Any,
) -> Any:
    """Class of every pixel, or objects.

    Parameters
    ----------
    model, stack, settings, on_event, cancel, predictor, **overrides
        As for :func:`predict`.
    instances : bool or "3d"
        Number the objects that class 1 (membrane, ink) separates, instead of naming classes: True in each plane by
        itself, ``"3d"`` with the same number through all planes where an object goes on, as ``linking`` says. One
        plane is then held in memory, with about 20 bytes a pixel, or two of them, with about 30.
    out : array, optional
        A numpy or Zarr array of integers to write into; for instances of at least 4 bytes.
    threshold : float, optional
        Class 1 is where its probability is above this; the card's by default. With more than two classes, and
        without ``instances``, the most probable class is taken instead.
    min_size : int
        Smallest object of a plane in pixels (instances).
    linking : LinkSettings, optional
        When two objects of consecutive planes are one (instances ``"3d"``).
    ortho : bool or "force"
        Mean of three orientations, as for :func:`predict`. Objects are then found when all probabilities are known;
        those of more than 268 million voxels are kept in a temporary file until then.

    Returns
    -------
    ndarray of uint8 or uint32, or ``out``
        Class ids from 1 (uint8); objects (uint32), 0 where class 1 is; of single planes no number twice in the stack.
        The image's axes without colour.

    Raises
    ------
    OutputError
        If ``out`` has another shape or holds no integers, or for instances narrow ones.
    InferenceError
        If ``instances`` is none of the above, or the last axis before y not the depth that ``"3d"`` links along.
    InferenceSettingError
        If the threshold is no probability, ``min_size`` no number of pixels, or ``linking`` no LinkSettings; and as
        for :func:`predict`.
    NotAModelError, AnisotropicError, Cancelled, DeviceError, BackendError, WindowMemoryError
        As for :func:`predict`.
    """
    check_model(model)
    threshold = model.card.threshold if threshold is None else check_threshold(threshold)
    min_size = check_min_size(min_size)
    if not isinstance(instances, bool | int | np.bool_ | str) or instances not in (False, True, "3d"):
        raise InferenceError(f"instances are False, True (of each plane) or '3d', not {instances!r}")
    job = _Job(stack)
    if ortho:
        check_isotropic(job.stack, force=ortho == "force")
    if instances == "3d":
        check_depth(job.stack)
    result = job.target(out, job.shape, np.uint32, "iu", 4) if instances else job.target(out, job.shape, np.uint8, "iu")
    number = None
    if instances:
        links = PlaneLinks(job.stack.shape[job.stack.plane_axes - 1], linking) if instances == "3d" else None
        number = PlaneObjects(threshold, min_size, links)
    run: dict[str, Any] = {"settings": settings, "cancel": cancel, "predictor": predictor, **overrides}
    if ortho:
        _segment_from_all_sides(model, job, result, threshold, number, on_event, run)
        return result
    objects = None if number is None else _Objects(job.stack.plane_shape, number)
    with closing(sink_for(result, job.planes)) as sink:
        for event in iter_tiles(model, job.stack, **run):
            if objects is None:
                sink.write(event.plane, event.y, event.x, class_ids(event.probabilities, threshold))
            elif (finished := objects.add(event)) is not None:
                sink.write(*finished)
            if on_event is not None:
                on_event(event)
    return result


def _segment_from_all_sides(
    model: Model,
    job: _Job,
    result: Any,
    threshold: float,
    number: PlaneObjects | None,
    on_event: Callable[[TileEvent], None] | None,
    run: dict[str, Any],
) -> None:
    """Write classes block by block; objects plane by plane, when the probabilities of all blocks are known."""
    blocks = ortho_blocks(model, job.stack, on_event=on_event, **run)
    if number is None:
        for block in blocks:
            p = block.probabilities
            planes = p[0] if len(p) == 1 else p.swapaxes(0, 1)
            result[block.place] = np.stack([class_ids(plane, threshold) for plane in planes])
        return
    height, width = job.stack.plane_shape
    with scratch_volume(job.shape) as probability:
        for block in blocks:
            probability[block.place] = block.probabilities[0]
        with closing(sink_for(result, job.planes)) as sink:
            for i, plane in enumerate(probability.reshape(-1, height, width)):
                if (cancel := run["cancel"]) is not None and cancel():
                    raise Cancelled(f"stopped after the objects of {i} of {job.stack.n_planes} planes")
                sink.write(i, slice(0, height), slice(0, width), number(i, plane))


def class_ids(probabilities: _Floats, threshold: float) -> npt.NDArray[np.uint8]:
    """Class ids (y, x) of probabilities: (y, x) of class 1 of two, or (classes, y, x)."""
    if probabilities.ndim == 2:
        return np.where(probabilities > threshold, np.uint8(1), np.uint8(2))
    ids: npt.NDArray[np.uint8] = (probabilities.argmax(axis=0) + 1).astype(np.uint8)
    return ids


def _of_every_class(probabilities: _Floats) -> _Floats:
    return probabilities if probabilities.ndim == 3 else np.stack([probabilities, 1 - probabilities])


class _Objects:
    """Collects a plane's probabilities of class 1 and, when the plane is complete, numbers its objects."""

    def __init__(self, plane_shape: tuple[int, int], number: PlaneObjects) -> None:
        self._probability = np.empty(plane_shape, np.float32)
        self._number = number

    def add(self, event: TileEvent) -> tuple[int, slice, slice, npt.NDArray[np.uint32]] | None:
        """Take a region; they come row by row. Returns the objects of the plane if this is its last one."""
        self._probability[event.y, event.x] = event.first_class
        height, width = self._probability.shape
        if (event.y.stop, event.x.stop) != (height, width):
            return None
        labels = self._number(event.plane, self._probability)
        return event.plane, slice(0, height), slice(0, width), labels


class _Job:
    """The image as a stack, and the shape of the result, which keeps the image's axes."""

    def __init__(self, data: Any) -> None:
        data = first_level(data)
        self.stack = as_stack(data)
        flat = not isinstance(data, Stack) and len(np.shape(data)) - self.stack.is_rgb == 2
        #: Lengths of the axes before y; none for a 2-D array.
        self.planes: tuple[int, ...] = () if flat else self.stack.shape[: self.stack.plane_axes]
        self.shape = (*self.planes, *self.stack.plane_shape)

    def target(self, out: Any, shape: tuple[int, ...], dtype: type[np.generic], kinds: str, least: int = 1) -> Any:
        """Return the array to write into."""
        if out is None:
            return np.empty(shape, dtype)
        check_out(out, shape, kinds, self.stack.name, least=least)
        return out
