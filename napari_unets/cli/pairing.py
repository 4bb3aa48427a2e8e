"""Predictions and their truths, found by file name and opened lazily."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from napari_unets.cli.page_pairs import open_both, slice_names
from napari_unets.cli.terminal import note
from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.sources import is_folder, is_image
from napari_unets.jobs.outputs.names import plain_name
from napari_unets.jobs.outputs.record import METADATA_KEY

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.jobs.outputs.opening import Opening

__all__ = ["OpenPair", "PairingError", "open_pairs"]


class PairingError(NapariUnetsError):
    """Folders of which no files belong together, or several do, or a file that cannot be scored."""


@dataclass(frozen=True)
class OpenPair:
    """A prediction and its truth.

    Attributes
    ----------
    name : str
        For messages.
    prediction, truth : array
        Lazy.
    slices : list of str
        What to call each slice.
    options : dict
        What the prediction's own metadata say about its numbers, as keywords of ``evaluate``.
    class_names : dict of str to str
        What they call its classes, by the ids; empty where they say nothing.
    """

    name: str
    prediction: Any
    truth: Any
    slices: list[str]
    options: dict[str, Any]
    class_names: dict[str, str]


def open_pairs(
    prediction: Path, truth: Path, files: ExitStack, openings: tuple[Opening, Opening], *, volume: bool = False
) -> list[OpenPair]:
    """Open two files, or the files of two folders that have the same name.

    Files of one size and type become one pair, as the slices of one stack: a threshold is then
    chosen for all of them together.

    Parameters
    ----------
    prediction, truth : Path
        Two folders, or anything else that can be opened; a folder beside a file is a stack, or its files are the
        pages of the document.
    files : ExitStack
        Closes them.
    openings : tuple of 2 Opening
        How each prediction and each truth is opened where its file does not say, or is wrong.
    volume : bool
        Whether planes belong together in 3-D: files of several planes are then pairs of their own.

    Raises
    ------
    PairingError
        If no names are the same, or several of one folder.
    PagesDifferError
        If they are documents whose pages do not belong together.
    ImageError
        If one of them cannot be opened.
    """
    pairs = [
        _open_pair(a, b, files, openings)
        for a, b in (
            _matches(prediction, truth) if is_folder(prediction) and is_folder(truth) else [(prediction, truth)]
        )
    ]
    if len(pairs) == 1 or (volume and any(len(pair.slices) > 1 for pair in pairs)):
        return pairs
    return _joined(pairs, f"{prediction} and {truth}")


def _matches(predictions: Path, truths: Path) -> list[tuple[Path, Path]]:
    """Images with the same name, in natural order; those without a partner are told, other files are left alone."""
    from natsort import natsorted

    found, wanted = _by_name(predictions), _by_name(truths)
    names = natsorted(found.keys() & wanted.keys())
    if not names:
        examples = " and ".join(next(iter(sorted(d)), "nothing") for d in (found, wanted))
        raise PairingError(
            f"{predictions} and {truths} have no images of the same name ({examples}, for instance); "
            "rename them, or give two files"
        )
    for folder, lonely in ((predictions, wanted.keys() - found.keys()), (truths, found.keys() - wanted.keys())):
        if lonely:
            note(f"left out, since {folder} does not have them: {', '.join(natsorted(lonely))}")
    return [(_only(found[name]), _only(wanted[name])) for name in names]


def _by_name(folder: Path) -> dict[str, list[Path]]:
    """Images of a folder by their names, in which an ü is one letter: some systems write it as two."""
    images: dict[str, list[Path]] = {}
    for path in folder.iterdir():
        if path.name[0] != "." and is_image(path):
            images.setdefault(normalize("NFC", plain_name(path)), []).append(path)
    return images


def _only(images: list[Path]) -> Path:
    if len(images) > 1:
        names = ", ".join(sorted(path.name for path in images))
        raise PairingError(
            f"{images[0].parent}: {names} have the same name, and it cannot be told which is meant; give two files, or "
            "move those that are not meant elsewhere"
        )
    return images[0]


def _open_pair(prediction: Path, truth: Path, files: ExitStack, openings: tuple[Opening, Opening]) -> OpenPair:
    from napari_unets.jobs.outputs.colour import grey_of
    from napari_unets.metrics.record import class_names_of_record

    predicted, true, sizes = open_both(prediction, truth, files, openings)
    data, options = _read(predicted)
    slices = slice_names(predicted if "pages" in predicted.metadata else true, plain_name(prediction))
    names = class_names_of_record(predicted.metadata.get(METADATA_KEY, {}))
    return OpenPair(f"{prediction} and {truth}", data, grey_of(true), slices, options | sizes, names)


def _read(stack: Stack) -> tuple[Any, dict[str, Any]]:
    """Pixels of a prediction, and what is known of them if ``segment`` wrote it."""
    from napari_unets.jobs.outputs.colour import grey_of
    from napari_unets.metrics.record import options_of_record

    made = stack.metadata.get(METADATA_KEY, {})
    if made.get("output") == "probabilities" and made.get("class_axis"):
        first = (slice(None),) * max(stack.axes.find("c"), 0) + (0,)
        return stack.as_dask()[first], options_of_record(made)
    return grey_of(stack), options_of_record(made)


def _joined(pairs: list[OpenPair], name: str) -> list[OpenPair]:
    """One pair whose slices are those of all, if sizes, types and meanings are the same."""
    import dask.array as da

    from napari_unets.images import as_stack

    alike = {
        (a.shape[-2:], a.dtype, b.shape, b.dtype, repr(pair.options))
        for pair in pairs
        for a, b in [(pair.prediction, pair.truth)]
    }
    paged = any("page_sizes" in pair.options for pair in pairs)
    if paged or len(alike) > 1 or any(pair.prediction.shape != pair.truth.shape for pair in pairs):
        return pairs
    prediction, truth = (
        da.concatenate([as_stack(getattr(pair, side)).as_dask() for pair in pairs])  # type: ignore[no-untyped-call]
        for side in ("prediction", "truth")
    )
    slices = [of_slice for pair in pairs for of_slice in pair.slices]
    return [OpenPair(name, prediction, truth, slices, pairs[0].options, pairs[0].class_names)]
