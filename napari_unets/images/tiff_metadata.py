"""What a TIFF file says of itself: our own note, OME-XML, ImageJ's description, the resolution tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import tifffile

from napari_unets.images.note import Note
from napari_unets.images.units import VoxelSize, nanometres

__all__ = ["NOTE_TAG", "TiffInfo", "pixels_per_inch", "tiff_metadata", "tiff_note"]

#: Private TIFF tag that holds our note as JSON.
NOTE_TAG = 65117

_COARSEST_PIXEL = 1000.0  # nm; a resolution tag that says more is a printing resolution, not a microscope's


class TiffInfo(NamedTuple):
    """What was found."""

    #: Axes, where our note has them.
    axes: str | None
    voxel_size_nm: VoxelSize | None
    metadata: dict[str, Any]
    is_labels: bool
    #: Names of the channels, where the file has any.
    channels: tuple[str, ...] = ()


def tiff_metadata(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> TiffInfo:
    """Read axes, voxel size and metadata.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The open file.
    series : tifffile.TiffPageSeries
        The series that is shown.

    Returns
    -------
    TiffInfo
        The voxel size is what the file says, be it sensible or not. The print resolution of a scan is in the
        metadata as ``dpi`` (x, y).
    """
    page = series.keyframe
    note = tiff_note(tif)
    if note is not None:
        return TiffInfo(note.axes, note.voxel_size_nm, note.metadata, note.is_labels)
    dpi = pixels_per_inch(page)
    metadata: dict[str, Any] = {} if dpi is None else {"dpi": dpi}
    size = None
    if tif.is_ome and tif.ome_metadata:
        size = _ome_voxel_size(tif.ome_metadata, tif.series.index(series))
    elif tif.is_imagej and tif.imagej_metadata:
        size = _imagej_voxel_size(tif.imagej_metadata, page)
    elif dpi is not None:
        x, y = (25.4e6 / value for value in dpi)
        size = (y, y, x) if max(x, y) <= _COARSEST_PIXEL else None
    return TiffInfo(None, size, metadata, is_labels=False, channels=_channels(tif, series))


def _resolution(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Pixels per unit along x and y, if both are sensible."""
    x, y = (float(value) for value in page.resolution)
    return (x, y) if x > 0 and y > 0 and (x, y) != (1, 1) else None


def tiff_note(tif: tifffile.TiffFile) -> Note | None:
    """Our note in a TIFF file, if it has one."""
    tag = tif.pages.first.tags.get(NOTE_TAG)
    return Note.parse(tag.value) if tag is not None else None


def pixels_per_inch(page: tifffile.TiffPage) -> tuple[float, float] | None:
    """Print resolution (x, y) of a page, if it says."""
    inch = {int(tifffile.RESUNIT.INCH): 1.0, int(tifffile.RESUNIT.CENTIMETER): 2.54}.get(int(page.resolutionunit))
    resolution = _resolution(page)
    if inch is None or resolution is None:
        return None
    x, y = resolution[0] * inch, resolution[1] * inch
    return (x, y) if min(x, y) > 1 else None  # tifffile takes the fraction 1/0 for 1


def _imagej_voxel_size(metadata: Mapping[str, Any], page: tifffile.TiffPage) -> VoxelSize | None:
    unit = nanometres(metadata.get("unit", "pixel"))
    resolution = _resolution(page) or ((1.0, 1.0) if unit is not None and page.resolution == (1, 1) else None)
    if unit is None or resolution is None:
        return None
    x, y = (unit / value for value in resolution)
    return unit * abs(_number(metadata.get("spacing"))), y, x


def _ome_voxel_size(xml: str, number: int) -> VoxelSize | None:
    try:
        pixels = _ome_pixels(xml, number)
    except (KeyError, IndexError, TypeError, SyntaxError):
        return None  # the pixels are readable all the same
    z, y, x = (_ome_length(pixels, axis) for axis in "ZYX")
    return z, y, x


def _ome_pixels(xml: str, number: int) -> Mapping[str, Any]:
    images = tifffile.xml2dict(xml, sep="")["OME"]["Image"]
    pixels: Mapping[str, Any] = (images[number] if isinstance(images, list) else images)["Pixels"]
    return pixels


def _channels(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> tuple[str, ...]:
    """Names of the channels, as OME or Micro-Manager have them; empty where there are none."""
    try:
        if tif.is_ome and tif.ome_metadata:
            channels = _ome_pixels(tif.ome_metadata, tif.series.index(series))["Channel"]
            described = channels if isinstance(channels, list) else [channels]
            return tuple(str(channel.get("Name", "")) for channel in described)
        if tif.is_micromanager and tif.micromanager_metadata:
            return tuple(map(str, tif.micromanager_metadata["Summary"]["ChNames"]))
    except (KeyError, IndexError, TypeError, AttributeError, SyntaxError):
        pass  # the pixels are readable all the same
    return ()


def _ome_length(pixels: Mapping[str, Any], axis: str) -> float:
    """Nanometres along an axis; 0 if that is unknown."""
    unit = nanometres(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
    return 0.0 if unit is None else _number(pixels.get(f"PhysicalSize{axis}")) * unit


def _number(value: object) -> float:
    """Return a number, with a decimal comma, too; 0 if it is none."""
    try:
        return float(str(value).replace(",", "."))
    except ValueError:
        return 0.0
