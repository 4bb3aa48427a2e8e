"""What a training run is begun with: one that goes on with something else is neither that run nor another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from napari_unets.learning.settings import FitSettings

__all__ = ["changes_of", "origin_of_settings", "origin_of_table"]

#: How long a run is, how it is computed and how often it is looked at; what it learns stays the same.
_MAY_CHANGE = frozenset({"steps", "minutes", "epochs", "compile", "precision", "validate_every", "checkpoint_every"})
#: Characters of a value that a message still shows.
_SHOWN = 40


def origin_of_table(table: BaseModel, prefix: str) -> dict[str, str]:
    """Return the fields of a table of a recipe, in words of JSON, by their names in the recipe.

    Parameters
    ----------
    table : BaseModel
        Of tables in it only what is not as by default: what a later version adds to them changes no run.
    prefix : str
        What is put before the name of each field, such as ``"data."``.
    """
    whole, said = table.model_dump(mode="json"), table.model_dump(mode="json", exclude_defaults=True)
    values = {
        name: said.get(name, {}) if isinstance(getattr(table, name), BaseModel) else whole[name]
        for name in type(table).model_fields
    }
    return {f"{prefix}{name}": json.dumps(value, sort_keys=True) for name, value in values.items()}


def origin_of_settings(settings: FitSettings, prefix: str = "") -> dict[str, str]:
    """Return the settings that a run must go on with; ``seed``, which need not be the recipe's, has no prefix."""
    fields = origin_of_table(settings, "")
    seed = fields.pop("seed")
    return {"seed": seed} | {f"{prefix}{name}": value for name, value in fields.items() if name not in _MAY_CHANGE}


def changes_of(kept: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return what of an origin has changed, by its name, and how, in words.

    Parameters
    ----------
    kept, given : mapping of str to str
        What the run was begun with, and is to go on with; what only one of them has, an earlier version did not keep.
    """
    changes = {}
    for name in given:
        if (before := kept.get(name, given[name])) != (now := given[name]):
            short = max(len(before), len(now)) <= _SHOWN
            changes[name] = f"{name} was {before} and is {now}" if short else name
    return changes
