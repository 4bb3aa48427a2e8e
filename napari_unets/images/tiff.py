"""TIFF, BigTIFF, ImageJ and OME-TIFF, opened lazily."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from math import prod
from pathlib import Path

import tifffile

from napari_unets.images.axes import tidy_axes
from napari_unets.images.errors import (
    EmptyImageError,
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    UnsupportedImageError,
    explain_read_errors,
)
from napari_unets.images.on_white import tiff_on_white
from napari_unets.images.source import FileImage, UnsqueezedSource
from napari_unets.images.tiff_complete import check_complete
from napari_unets.images.tiff_directories import check_directories
from napari_unets.images.tiff_metadata import tiff_metadata
from napari_unets.images.tiff_source import TIFF_ERRORS, TiffSource
from napari_unets.images.upright import QUARTER_TURNS, Upright, tiff_orientation

__all__ = ["open_tiff", "quiet"]


def open_tiff(path: Path, *, level: int = 0, dataset: str | None = None, planes_not_colours: bool = False) -> FileImage:
    """Open a TIFF file.

    Parameters
    ----------
    path : Path
        The file.
    level : int
        Resolution level of a pyramid.
    dataset : str, optional
        Number or name of a series, where a file has several of different sizes.
    planes_not_colours : bool
        Take the 3 or 4 planes of a file that tifffile has written without being told what they are for
        planes. It stores them as the colours of one image unless it is told otherwise, which it calls a mistake
        that is to go. Only colours that it was told of look the same; their axes must be given, ``"syx"``.

    Returns
    -------
    FileImage

    Raises
    ------
    ImageError
        One of its subclasses says what is wrong, and names the file.
    """
    check_directories(path)
    with explain_read_errors(path, *TIFF_ERRORS), quiet():
        tif = _open_file(path, as_pages=dataset is None)
    try:
        with explain_read_errors(path, *TIFF_ERRORS), quiet():
            series = _choose_series(path, tif, dataset)
            if not 0 <= level < len(series.levels):
                raise UnknownLevelError(
                    f"{path}: has {len(series.levels)} resolution level(s), there is no level {level}"
                )
            chosen = series.levels[level]
            check_complete(path, tif, chosen)
            source = tiff_on_white(TiffSource(path, tif, chosen), chosen.keyframe)
            axes = tidy_axes(chosen.axes + "S" * (len(source.shape) - len(chosen.axes)))
            if not {"y", "x"} <= set(axes):
                raise UnsupportedImageError(f"{path}: its axes are {chosen.axes}; an image needs y and x")
            info = tiff_metadata(tif, series)
            if info.axes is not None and info.axes != axes and set(axes) <= set(info.axes):
                # TIFF files do not keep axes of length 1, but our note does
                source = UnsqueezedSource(source, tuple(letter not in axes for letter in info.axes))
                axes = info.axes
    except BaseException:
        tif.close()
        raise
    if planes_not_colours and axes == "syx" and series.kind == "shaped":
        axes = "zyx"
        info.metadata["remarks"] = [
            f"its {source.shape[0]} planes are taken for planes of a stack; if they are the colours of one image, "
            "give its axes as syx"
        ]
    size = info.voxel_size_nm
    orientation = tiff_orientation(chosen.keyframe) if axes in ("yx", "yxs") else 1
    if orientation != 1:  # a scan or a photograph
        source = Upright(source, orientation)
        size = (size[0], size[2], size[1]) if size is not None and orientation in QUARTER_TURNS else size
    if size is not None and level:
        shrunk = [series.shape[series.axes.index(a)] / chosen.shape[chosen.axes.index(a)] for a in "YX"]
        size = (size[0], size[1] * shrunk[0], size[2] * shrunk[1])
    return FileImage(
        source,
        axes,
        size,
        metadata=info.metadata,
        is_labels=info.is_labels,
        levels=len(series.levels),
        channels=info.channels,
    )


def _open_file(path: Path, *, as_pages: bool) -> tifffile.TiffFile:
    """Open a file; planes that were given to tifffile one by one are its pages, and not as many images of one plane.

    It says of each ``write`` what its shape was, and so takes each for an image of its own, which nobody means who
    writes a stack in a loop.
    """
    tif = tifffile.TiffFile(path)
    series = tif.series if as_pages else []
    kinds = {(s.kind, s.shape, s.dtype, s.axes) for s in series}
    if len(series) > 1 and len(kinds) == 1 and all(s.kind == "shaped" and s.shape == s.keyframe.shape for s in series):
        tif.close()
        return tifffile.TiffFile(path, is_shaped=False)
    return tif


def _choose_series(path: Path, tif: tifffile.TiffFile, dataset: str | None) -> tifffile.TiffPageSeries:
    """Take the series that is asked for, or the only one, or the first of a format that has thumbnails."""
    series = [s for s in tif.series if prod(s.shape)]
    if not series:
        raise EmptyImageError(f"{path}: there is no image in this file")
    if dataset is not None:
        for i, candidate in enumerate(series):
            if dataset in (str(i), candidate.name):
                return candidate
        listed = ", ".join(f"{i} ({s.name or 'unnamed'}, {s.shape})" for i, s in enumerate(series))
        raise UnknownDatasetError(f"{path}: has no series {dataset!r}; it has {listed}")
    sizes = {(s.shape[s.axes.find("Y")], s.shape[s.axes.find("X")], str(s.dtype)) for s in series}
    if len(series) > 1 and series[0].kind in {"generic", "uniform", "shaped"}:
        listed = ", ".join(f"{h}×{w} {dtype}" for h, w, dtype in sorted(sizes))
        why = "they differ in size or type" if len(sizes) > 1 else "they are several stacks"
        raise MixedSizesError(
            f"{path}: its pages cannot be stacked, {why} ({listed}); "
            f"choose one of them as the dataset, 0 to {len(series) - 1}, or split the file"
        )
    return series[0]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep tifffile's log quiet: what matters of it is raised here."""
    log = logging.getLogger("tifffile")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
