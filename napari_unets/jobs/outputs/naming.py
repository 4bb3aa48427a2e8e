"""Names of outputs: a pattern, filled in for each input."""

from __future__ import annotations

import os
import string
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from napari_unets.errors import NapariUnetsError
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.remote import place_of
from napari_unets.jobs.outputs.names import plain_name
from napari_unets.jobs.outputs.settings import Kind

__all__ = ["DEFAULT_PATTERN", "PatternError", "name_outputs"]

DEFAULT_PATTERN = "{stem}{ext}"

_FIELDS = {
    "stem": "the input's name without its suffix",
    "ext": "the usual suffix: .tif, or of clean pages that of the input",
    "model": "the model's name",
    "kind": "what is made: segmentation, probabilities, instances, clean",
    "parent": "the name of the folder that the input is in",
    "number": "the input's place in the list, from 1",
}
_SUFFIXES = (".tif", ".tiff", ".zarr", ".png", ".pdf")
_PAGE_SUFFIXES = (".tif", ".tiff", ".png", ".pdf")


class PatternError(NapariUnetsError):
    """A pattern that gives no names for outputs."""


def name_outputs(sources: Sequence[str], folder: Path, pattern: str, *, model: str, kind: Kind) -> list[Path]:
    """Name an output for each input.

    Parameters
    ----------
    sources : sequence of str
        Paths or addresses.
    folder : Path
        Where the outputs are to go.
    pattern : str
        Such as ``"{stem}_{model}.tif"``. Fields: ``stem``, ``ext``, ``model``, ``kind``, ``parent``, ``number``
        (``{number:03}`` for leading zeros). A ``/`` makes folders in the folder.
    model : str
        The model's name.
    kind : str
        What is made.

    Returns
    -------
    list of Path
        One for each input, in order; nothing is created.

    Raises
    ------
    PatternError
        If the pattern has unknown fields, leads out of the folder, or ends in no suffix that can be written.
    """
    _check(pattern)
    return [
        folder / _named(source, number, pattern, model=model, kind=kind) for number, source in enumerate(sources, 1)
    ]


def _named(source: str, number: int, pattern: str, *, model: str, kind: Kind) -> PurePath:
    place = place_of(source)
    # absolute, without asking a file system that may be slow
    path = Path(place.partition("://")[2] if isinstance(place, str) else os.path.abspath(place))  # noqa: PTH100
    values: dict[str, Any] = {
        "stem": plain_name(path),
        "ext": _usual_suffix(path, kind),
        "model": model,
        "kind": kind,
        "parent": path.parent.name,
        "number": number,
    }
    try:
        text = pattern.format(**values)
    except (ValueError, IndexError, AttributeError) as error:
        raise PatternError(
            f"{pattern!r} cannot be filled in ({error}); use it as in '{{stem}}_{{model}}.tif'"
        ) from None
    name = PurePath(text)
    if name.is_absolute() or ".." in name.parts:
        raise PatternError(f"{pattern!r} leads out of the output folder ({text}); name files in it")
    allowed = _PAGE_SUFFIXES if kind == "clean" else _SUFFIXES
    if name.suffix.lower() not in allowed:
        raise PatternError(f"{pattern!r} gives {text}, which ends in none of {', '.join(allowed)}; add '{{ext}}' to it")
    return name


def _usual_suffix(path: Path, kind: Kind) -> str:
    suffix = path.suffix.lower()
    if kind != "clean" or suffix in (".tif", ".tiff", ".btf", ".tf8"):
        return ".tif"
    return suffix if suffix in PDF_SUFFIXES else ".png"


def _check(pattern: str) -> None:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None]
    except ValueError as error:
        raise PatternError(f"{pattern!r} is no pattern ({error}); use it as in '{{stem}}_{{model}}.tif'") from None
    if unknown := [field for field in fields if field not in _FIELDS]:
        known = ", ".join(f"{{{name}}}" for name in _FIELDS)
        raise PatternError(f"{pattern!r}: {{{unknown[0]}}} is unknown; there are {known}")
