"""Whether an output can be written to its place without harm to what it is made from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from napari_unets.images.opening import is_zarr
from napari_unets.images.remote import place_of
from napari_unets.jobs.outputs.fingerprint import holds_labels

__all__ = ["Inputs", "plain_place"]


class Inputs:
    """Where the inputs of a run lie, as far as they lie on this computer.

    Parameters
    ----------
    sources : iterable of str or Path
        Paths and addresses.
    follow : bool
        Look whether two names lead to one place through links, on a file system that may be slow.
    """

    def __init__(self, sources: Iterable[str | Path], *, follow: bool = True) -> None:
        self._follow = follow
        self._places: dict[Path, str] = {}
        self._around: dict[Path, str] = {}
        for source in sources:
            if isinstance(path := place_of(source), Path):
                for place in self._places_of(path):
                    self._places[place] = str(source)
                    self._around |= dict.fromkeys(place.parents, str(source))

    def danger(self, target: Path) -> str:
        """Say what an output at this place would do to an input; empty if nothing.

        Parameters
        ----------
        target : Path
            The output.
        """
        for place in self._places_of(target):
            if place in self._places:
                return f"{target}: is an input and is not overwritten; choose another folder or name"
            if place in self._around:
                return f"{target}: the input {self._around[place]} lies in it and would be lost; choose another name"
            for folder in place.parents:
                if folder in self._places and (reason := _harm(place, folder)):
                    return f"{target}: {reason}"
        return ""

    def _places_of(self, path: Path) -> set[Path]:
        """Return where a file is, and where its name is: a link is replaced by what is written to it."""
        plain = Path(plain_place(path))
        return {plain.resolve(), plain.parent.resolve() / plain.name} if self._follow else {plain}


def plain_place(path: str | Path) -> str:
    """Absolute path, without asking a file system that may be slow."""
    return os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - Path has none that leaves the disk alone


def _harm(place: Path, folder: Path) -> str:
    """Say what an output in a folder that is an input does to it."""
    if is_zarr(folder):
        if any(holds_labels(inner) for inner in place.parents if folder in inner.parents):
            return ""
        return f"lies in the input {folder} and would change it; choose a place outside, or in the image's 'labels'"
    if place.parent != folder or place.suffix.lower() == ".zarr":  # only files in the folder itself are its images
        return ""
    return (
        f"lies in {folder}, all images of which are one input, and would be one of them; choose another folder, or "
        "take each image by itself (--each)"
    )
