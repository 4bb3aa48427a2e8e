"""Where each input's result goes, and how it gets there plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.cli.names import plain_name
from napari_unets.cli.terminal import note
from napari_unets.errors import NapariUnetsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unets.images.writing import PlaneWriter

__all__ = ["OutputError", "WriterArray", "check_targets", "make_all", "plan_outputs"]

_FILE_SUFFIXES = (".tif", ".tiff", ".zarr")


class OutputError(NapariUnetsError):
    """An ``--output`` that cannot take the results."""


def plan_outputs(inputs: Sequence[Path], output: Path, *, overwrite: bool) -> list[Path]:
    """Choose the file that each input's result is written to, before anything is computed.

    Parameters
    ----------
    inputs : sequence of Path
        Files and folders.
    output : Path
        A ``.tif`` or ``.ome.zarr`` for a single input, or a folder that gets a TIFF for each input.
    overwrite : bool
        Whether results may replace what is there.

    Returns
    -------
    list of Path
        One for each input.

    Raises
    ------
    OutputError
        If there are several inputs for one file, two inputs of one name, or something is there already.
    """
    if output.suffix.lower() in _FILE_SUFFIXES:
        if len(inputs) > 1:
            raise OutputError(f"{output} is one file, but there are {len(inputs)} inputs; give a folder instead")
        targets = [output]
    else:
        targets = [output / f"{plain_name(path)}.tif" for path in inputs]
    check_targets([(str(path), target) for path, target in zip(inputs, targets, strict=True)], overwrite=overwrite)
    return targets


def check_targets(plan: Sequence[tuple[str, Path]], *, overwrite: bool) -> None:
    """Refuse a plan that writes two results to one place, or over what is there.

    Parameters
    ----------
    plan : sequence of (str, Path)
        What each result is of, and where it goes.
    overwrite : bool
        Whether results may replace what is there.

    Raises
    ------
    OutputError
        If so.
    """
    whose: dict[Path, str] = {}
    for name, target in plan:
        if target in whose:
            raise OutputError(f"{whose[target]} and {name} would both be written to {target}")
        whose[target] = name
    if (there := [str(target) for target in whose if target.exists()]) and not overwrite:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise OutputError(
            f"{', '.join(there[:3])}{more}: there already; choose another --output, or replace it with --overwrite"
        )


def make_all(plan: Sequence[tuple[list[Path], Path]], make: Callable[[list[Path], Path], None]) -> None:
    """Make one output after the other; an image that cannot be read does not keep the others from being made.

    Parameters
    ----------
    plan : sequence of (list of Path, Path)
        Inputs and the output that is made of them.
    make : callable
        Makes an output.

    Raises
    ------
    OutputError
        At the end, if some of several could not be made. A single one raises its own error.
    """
    from napari_unets.images import ImageError

    failed = 0
    for sources, target in plan:
        try:
            make(sources, target)
        except ImageError as error:
            if len(plan) == 1:
                raise
            failed += 1
            note(f"left out: {error}")
        else:
            note(f"{', '.join(str(source) for source in sources)} → {target}")
    if failed:
        raise OutputError(f"{failed} of {len(plan)} outputs could not be made; why is said above")


class WriterArray:
    """A writer as an array that can only be written to, region by region, as ``out=`` of the inference.

    Parameters
    ----------
    writer : PlaneWriter
        Takes the pixels.
    """

    def __init__(self, writer: PlaneWriter) -> None:
        import numpy as np

        self._writer = writer
        self.shape = writer.shape
        self.dtype = writer.dtype
        #: A plane is best written as a whole, so that is what the inference holds back where memory allows.
        self.chunks = (*(1,) * (len(self.shape) - 2), *self.shape[-2:])
        self._numbers = np.arange(writer.n_planes).reshape(self.shape[:-2])

    def __setitem__(self, index: tuple[int | slice, ...], values: NDArray[np.generic]) -> None:
        *planes, y, x = index
        numbers = self._numbers[tuple(planes)].ravel()
        regions: Any = values.reshape(len(numbers), *values.shape[-2:])
        for number, region in zip(numbers, regions, strict=True):
            self._writer.write(int(number), (y, x), region)  # type: ignore[arg-type]
