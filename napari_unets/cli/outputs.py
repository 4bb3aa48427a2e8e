"""Which output is made of which input."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from napari_unets.cli.terminal import note
from napari_unets.errors import NapariUnetsError
from napari_unets.images.errors import ImageError
from napari_unets.images.folder import first_few, unread_images
from napari_unets.images.pages import page_files
from napari_unets.images.remote import is_address
from napari_unets.images.suffixes import UNREAD_SUFFIXES
from napari_unets.jobs.batch.events import BatchItem
from napari_unets.jobs.batch.plan import check_items, plan_items
from napari_unets.jobs.batch.sources import IMAGE_SUFFIXES, find_sources, is_folder
from napari_unets.jobs.outputs.naming import DEFAULT_PATTERN
from napari_unets.jobs.outputs.settings import Kind

__all__ = ["OutputError", "check_format", "find_inputs", "is_document", "is_one_file", "plan_outputs"]

#: What cannot be anything but pages to be looked at.
_LOOKED_AT = (".pdf", ".png")
_ONE_FILE = (*_LOOKED_AT, ".tif", ".tiff", ".zarr")


class OutputError(NapariUnetsError):
    """An ``--output`` that cannot take the results."""


def is_document(output: Path, pattern: str | None, *, clean: bool) -> bool:
    """Whether clean pages are asked for, rather than class ids."""
    return clean or Path(pattern or output).suffix.lower() in _LOOKED_AT


def is_one_file(output: Path) -> bool:
    """Whether an output is a file (or an OME-Zarr), and not a folder of outputs."""
    return output.suffix.lower() in _ONE_FILE


def check_format(output: Path) -> None:
    """Refuse an output that would become a folder of a name that means something else.

    Such names are stdout's, and those of images in formats that are not written.

    Raises
    ------
    OutputError
        If it is.
    """
    if str(output) == "-":
        raise OutputError("-: results are files, not written to stdout; name a .tif, an .ome.zarr, a .pdf or a folder")
    suffix = output.suffix.lower()
    if suffix in (*IMAGE_SUFFIXES, *UNREAD_SUFFIXES) and suffix not in _ONE_FILE and not output.is_dir():
        raise OutputError(
            f"{output}: {suffix} files are not written; choose .tif or .ome.zarr, .pdf or .png for clean pages, "
            "or a folder"
        )


def find_inputs(inputs: Sequence[str], output: Path, *, each: bool, kind: Kind) -> list[str]:
    """Find the inputs that are meant: see :func:`~napari_unets.jobs.batch.sources.find_sources`.

    Images of a folder in formats that are not read are told, and folders in it.

    Parameters
    ----------
    inputs : sequence of str
        Files, folders, globs.
    output : Path
        Where the results go.
    each : bool
        Whether each image of a folder is an input of its own; of clean pages that go to a folder each file always is.
    kind : str
        What is made.

    Returns
    -------
    list of str

    Raises
    ------
    SourceError
        If there are none.
    """
    pages = kind == "clean" and not is_one_file(output)
    sources = find_sources(inputs, each=each, pages=pages)
    for name in inputs:
        folder = Path(name).expanduser()
        if (each or kind == "clean") and not is_address(name) and is_folder(folder):
            for remark in unread_images(folder) + _inner_folders(folder, output):
                note(f"{folder}: {remark}")
    return sources


def _inner_folders(folder: Path, output: Path) -> list[str]:
    """Name the folders in a folder whose files are not inputs, in one remark; none, if there are none."""
    from natsort import natsorted

    names = []
    for inner in folder.iterdir():
        with suppress(ImageError):  # it cannot be listed
            if is_folder(inner) and inner.name[0] != "." and inner.resolve() != output.resolve() and page_files(inner):
                names.append(inner.name)
    if not names:
        return []
    everything, listed = folder / "**" / "*", first_few(natsorted(names))
    return [f"folders in it are left out, give '{everything}' to take their files too: {listed}"]


def plan_outputs(
    sources: Sequence[str], output: Path, pattern: str | None, *, model: str, kind: Kind
) -> list[BatchItem]:
    """Choose where each input's result goes, before anything is computed.

    Parameters
    ----------
    sources : sequence of str
        As :func:`find_inputs` gives them.
    output : Path
        A file: for a single input, or, of clean pages, for the pages of all. Or a folder that gets an output for each
        input.
    pattern : str, optional
        Names of the outputs in the folder.
    model, kind : str
        For the pattern.

    Returns
    -------
    list of BatchItem

    Raises
    ------
    OutputError
        If there are several inputs for one file, or a format that does not hold clean pages.
    PatternError, BatchPlanError
        See there.
    """
    if not is_one_file(output):
        return plan_items(sources, output, pattern or DEFAULT_PATTERN, model=model, kind=kind)
    if kind == "clean" and output.suffix.lower() == ".zarr":
        raise OutputError(f"{output}: clean pages are written to .pdf, .tif or .png files, or to a folder")
    if kind == "clean":
        items = [BatchItem(tuple(sources), output)]
    elif len(sources) > 1:
        raise OutputError(f"{output} is one file, but there are {len(sources)} inputs; give a folder instead")
    else:
        items = [BatchItem((sources[0],), output)]
    check_items(items)
    return items
