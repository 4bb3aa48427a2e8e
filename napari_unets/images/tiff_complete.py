"""Whether all the planes of a TIFF series are there, in this file and in those that belong to it."""

from __future__ import annotations

import html
import re
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from napari_unets.images.errors import IncompleteImageError, UnreadableImageError

__all__ = ["check_complete"]

#: Series whose planes a description lists, in files beside this one, too; tifffile takes planes it does not find for 0.
_DESCRIBED = {"ome", "mmstack", "ndtiff"}
_FILE_NAME = re.compile(r"""<(?:\w+:)?UUID\s[^>]*?FileName\s*=\s*["']([^"'>]+)["']""")
_MOST_NAMED = 4


def check_complete(path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Refuse a series whose planes are not all there, and files that end before their pixels do.

    Parameters
    ----------
    path : Path
        The file that was opened.
    tif : tifffile.TiffFile
        The same, open.
    series : tifffile.TiffPageSeries
        One level of a series of it.

    Raises
    ------
    IncompleteImageError
        Names what is missing.
    UnreadableImageError
        Names the file that is truncated.
    """
    pages = list(series) if series.kind in _DESCRIBED else [series[0], series[len(series) - 1]]
    missing = sum(page is None or not any(page.databytecounts) for page in pages)
    if missing and series.kind in _DESCRIBED:
        there = f"or choose among the pages that are in it: 1-{len(tif.pages)}"
        raise IncompleteImageError(f"{path}: {_what_is_missing(path, tif, missing, len(pages))}, {there}")
    ends: dict[tifffile.FileHandle, int] = {}
    if series.dataoffset is not None and not series.is_multifile:
        ends[tif.filehandle] = series.dataoffset + prod(series.shape) * np.dtype(series.dtype).itemsize
    for page in pages:
        if page is not None:
            file = page.parent.filehandle
            segments = zip(page.dataoffsets, page.databytecounts, strict=False)
            ends[file] = max(ends.get(file, 0), *(offset + count for offset, count in segments), 0)
    for file, end in ends.items():
        if end > file.size:
            name = path if file is tif.filehandle else Path(file.path)
            raise UnreadableImageError(
                f"{name}: the file is truncated, it has {file.size:,} of at least {end:,} bytes; "
                "copy or export it again"
            )


def _what_is_missing(path: Path, tif: tifffile.TiffFile, missing: int, count: int) -> str:
    gone = [name for name in _files_named(tif) if not path.with_name(name).exists()]
    if gone:
        named = ", ".join(gone[:_MOST_NAMED]) + (f" and {len(gone) - _MOST_NAMED} more" if gone[_MOST_NAMED:] else "")
        return (
            f"{missing} of its {count} planes lie in files that are not beside it: {named}; "
            "copy all files of the series into one folder"
        )
    return (
        f"{missing} of the {count} planes that its description tells of are not there, so it is damaged or was never "
        "finished; copy or export it again"
    )


def _files_named(tif: tifffile.TiffFile) -> list[str]:
    """Names of the files that the OME-XML says the series lies in, in order."""
    return list(dict.fromkeys(html.unescape(name) for name in _FILE_NAME.findall(tif.ome_metadata or "")))
