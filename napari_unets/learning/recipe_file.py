"""A recipe's file: one table of a paper, its protocols and its networks, to the content of one run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from napari_unets.errors import NapariUnetsError

__all__ = ["RecipeError", "recipe_content"]


class RecipeError(NapariUnetsError):
    """A recipe that is no TOML, says something it must not, or asks for data that is not there."""


def recipe_content(path: Path, protocol: str | None = None, network: str | None = None) -> dict[str, Any]:
    """Read a recipe's file as one run needs it.

    A file may extend another one, may have several protocols (tables ``[protocol.NAME…]``), each of which is the rest
    of the file but for what it says itself, and several networks (tables ``[networks.NAME]``, where NAME is that of the
    class unless the table has another) instead of one. What was chosen is added to the model's name and title.

    Parameters
    ----------
    path : Path
        The file.
    protocol, network : str, optional
        One of its protocols and of its networks; the first ones by default.

    Raises
    ------
    RecipeError
        If the file cannot be read, or has no such protocol or network.
    """
    content = _read(path, ())
    protocols = content.pop("protocol", {})
    chosen = _choose(path, "protocol", protocol, protocols)
    if chosen is not None:
        _change(content, protocols[chosen])
    networks = content.pop("networks", {})
    name = _choose(path, "network", network, networks)
    if name is not None:
        content["network"] = {"name": name} | networks[name]
    _sign(content, [part for part in (name, chosen) if part is not None])
    return content


def _read(path: Path, extended: tuple[Path, ...]) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecipeError(f"{path}: this recipe cannot be read: {reason}") from error
    for key in ("protocol", "networks"):
        tables = content.get(key, {})
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            raise RecipeError(f"{path}: {key} holds tables, such as [{key}.NAME]")
    other = content.pop("extends", None)
    if other is None:
        return content
    if path in extended or not isinstance(other, str):
        raise RecipeError(f"{path}: a recipe extends one other recipe, named by its file, and never itself")
    base = _read((path.parent / other).resolve(), (*extended, path))
    _change(base, content)
    return base


def _change(content: dict[str, Any], changes: dict[str, Any]) -> None:
    """Replace keys; of a table, the keys in it; protocols and networks, which have tables in theirs, one by one."""
    for key, value in changes.items():
        if key in ("protocol", "networks"):
            for name, table in value.items():
                _change(content.setdefault(key, {}).setdefault(name, {}), table)
            continue
        both = isinstance(value, dict) and isinstance(content.get(key), dict)
        content[key] = content[key] | value if both else value


def _choose(path: Path, what: str, wanted: str | None, known: dict[str, Any]) -> str | None:
    if wanted is None:
        return next(iter(known), None)
    if wanted not in known:
        there = f"has the {what}s {', '.join(known)}" if known else f"has but one {what}, which needs no name"
        raise RecipeError(f"{path}: there is no {what} {wanted!r}; the recipe {there}")
    return wanted


def _sign(content: dict[str, Any], parts: list[str]) -> None:
    if not parts:
        return
    content["name"] = "-".join([str(content.get("name", "")), *parts])
    card = content.get("card")
    if isinstance(card, dict):
        content["card"] = card | {"title": ", ".join([str(card.get("title", "")), *parts])}
