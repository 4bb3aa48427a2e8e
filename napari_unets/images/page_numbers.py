"""Which pages of a document are meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import index

from napari_unets.images.errors import PageChoiceError

__all__ = ["chosen_pages"]

_PART = re.compile(r"(\d+)?(-)?(\d+)?")


def chosen_pages(pages: str | Sequence[int] | None, count: int, name: str) -> list[int]:
    """Numbers of the pages that are meant.

    Parameters
    ----------
    pages : str, sequence of int, or None
        Such as ``"1-3,7"``, ``"5-"`` or ``[1, 2, 3, 7]``; the first page is 1. All pages by default.
    count : int
        Number of pages that the document has.
    name : str
        Of the document, for the message.

    Returns
    -------
    list of int
        Numbers from 1, in the order given.

    Raises
    ------
    PageChoiceError
        If it is no such list, or the document lacks one of the pages.

    Examples
    --------
    >>> chosen_pages("1-3,7", 9, "scans.pdf")
    [1, 2, 3, 7]
    """
    if pages is None:
        return list(range(1, count + 1))
    numbers = _parsed(pages, count, name) if isinstance(pages, str) else _listed(pages, name)
    if not numbers:
        raise PageChoiceError(f"{name}: no page is chosen by {pages!r}; give pages such as '1-3,7'")
    if strange := [number for number in numbers if not 1 <= number <= count]:
        has = f"has {count} pages" if count > 1 else "has one page"
        raise PageChoiceError(f"{name}: {has}, there is no page {strange[0]}")
    return numbers


def _listed(pages: Sequence[int], name: str) -> list[int]:
    try:
        return [index(number) for number in pages]
    except TypeError:  # a number alone, or what is no whole number
        raise PageChoiceError(f"{name}: {pages!r} are no pages; give '1-3,7', or a list such as [1, 2, 3, 7]") from None


def _parsed(text: str, count: int, name: str) -> list[int]:
    numbers: list[int] = []
    for part in text.replace(" ", "").split(","):
        found = _PART.fullmatch(part)
        if not part or found is None or part == "-":
            raise PageChoiceError(f"{name}: {text!r} are no pages; give numbers and ranges such as '1-3,7' or '5-'")
        first, dash, last = found.groups()
        start = int(first or 1)
        stop = int(last) if last else max(start, count) if dash else start
        numbers += range(start, max(start, min(stop, count + 1)) + 1)  # one too many is enough to be told of
        if stop < start:
            raise PageChoiceError(f"{name}: the pages {part!r} run backwards")
    return numbers
