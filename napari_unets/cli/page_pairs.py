"""Documents and their truths, whose pages may have several sizes."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.errors import NapariUnetsError

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.jobs.outputs.opening import Opening

__all__ = ["PagesDifferError", "open_both", "slice_names"]

_NAMED = 3


class PagesDifferError(NapariUnetsError):
    """Documents whose pages do not belong together; the message names them and their sizes."""


def open_both(
    prediction: Path, truth: Path, files: ExitStack, openings: tuple[Opening, Opening]
) -> tuple[Stack, Stack, dict[str, Any]]:
    """Open two images as stacks; where pages differ in size, as planes of the largest size.

    Parameters
    ----------
    prediction, truth : Path
        Files, or folders whose files are the pages.
    files : ExitStack
        Closes them.
    openings : tuple of 2 Opening
        How each is opened where its file does not say, or is wrong.

    Returns
    -------
    Stack, Stack
        The two.
    dict
        ``page_sizes`` for `evaluate`, if they are needed.

    Raises
    ------
    PagesDifferError
        If they do not have the same number of pages, or a page differs in size.
    ImageError
        If one of them cannot be opened.
    """
    from napari_unets.images import MixedSizesError, open_pages, open_stack

    try:
        predicted, true = (
            files.enter_context(open_stack(path, **opening.changed()))
            for path, opening in zip((prediction, truth), openings, strict=True)
        )
    except MixedSizesError:
        if any(opening.changed() for opening in openings):
            raise
        predicted, true = (files.enter_context(open_pages(path).as_stack(pad=True)) for path in (prediction, truth))
        sizes = _sizes_of(predicted)
        _check(prediction, truth, predicted, true)
        return predicted, true, {"page_sizes": sizes}
    return predicted, true, {}


def slice_names(stack: Stack, name: str) -> list[str]:
    """Name each slice after its page, or by its number."""
    pages = stack.metadata.get("pages")
    if isinstance(pages, list) and len(pages) == stack.n_planes:
        return [str(page["name"]) for page in pages]
    return [name] if stack.n_planes == 1 else [f"{name} {i}" for i in range(stack.n_planes)]


def _sizes_of(stack: Stack) -> list[tuple[int, int]]:
    return [(int(page["size"][0]), int(page["size"][1])) for page in stack.metadata["pages"]]


def _check(prediction: Path, truth: Path, predicted: Stack, true: Stack) -> None:
    sizes, wanted = _sizes_of(predicted), _sizes_of(true)
    if len(sizes) != len(wanted):
        raise PagesDifferError(
            f"{prediction} has {_pages(sizes)}, {truth} has {_pages(wanted)}; give the pages that belong together"
        )
    differ = [i for i, (size, other) in enumerate(zip(sizes, wanted, strict=True)) if size != other]
    if differ:
        names, true_names = slice_names(predicted, ""), slice_names(true, "")
        said = [
            f"{names[i]!r} is {sizes[i][0]}×{sizes[i][1]}, its truth {true_names[i]!r} {wanted[i][0]}×{wanted[i][1]}"
            for i in differ[:_NAMED]
        ]
        more = f" and {len(differ) - _NAMED} more" if len(differ) > _NAMED else ""
        raise PagesDifferError(
            f"{prediction} and {truth}: pages are not of the same size: {'; '.join(said)}{more}. "
            "Pages are compared in their order; check it, and the resolution"
        )


def _pages(sizes: list[tuple[int, int]]) -> str:
    return "one page" if len(sizes) == 1 else f"{len(sizes)} pages"
