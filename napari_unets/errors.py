"""The root of every error that a user can cause and can mend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["NapariUnetsError", "wrong_fields"]

#: What pydantic puts behind a field's name where the field has several types: which of them it has tried.
_TYPES = re.compile(r".*\[.*|(constrained|function)-.*|str|int|float|bool")


class NapariUnetsError(Exception):
    """What was wrong, with which file, layer or setting, and what to do about it.

    Every folder derives its own named errors from this class, so that the shell and the widgets
    show the message as it stands, while a programming error still ends in a traceback.
    """


def wrong_fields(error: ValidationError, whole: str) -> str:
    """Say which fields of a pydantic model are wrong, and how.

    Parameters
    ----------
    error : ValidationError
        What the model has raised.
    whole : str
        What to call the model itself, of which more than one field may be wrong together.
    """
    said: dict[str, list[str]] = {}
    for each in error.errors():
        field = ".".join(str(part) for part in each["loc"] if not _TYPES.fullmatch(str(part)))
        said.setdefault(field or whole, []).append(each["msg"].removeprefix("Value error, "))
    return "; ".join(f"{field}: {', or '.join(dict.fromkeys(ways))}" for field, ways in said.items())
