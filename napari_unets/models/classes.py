"""Classes that a model is to learn: their numbers and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from napari_unets.models.card import ClassInfo
from napari_unets.models.errors import ModelCardError

__all__ = ["CLASS_COLOURS", "new_class"]

#: Of the classes in their order, again from the beginning after the last.
CLASS_COLOURS: Final = ("#d1495b", "#3a86c8", "#f2c14e", "#7fb069", "#9b5de5", "#f79d5c", "#00a6a6", "#e56399")


def new_class(classes: Sequence[ClassInfo], name: str) -> ClassInfo:
    """Return the class that comes next after ``classes``, in a colour that none of them has; grey, when none is left.

    Raises
    ------
    ModelCardError
        If the name is empty or one of theirs.
    """
    name = name.strip()
    if not name or name in {c.name for c in classes}:
        raise ModelCardError(f"a new class needs a name of its own, not {name!r}; there are {_names(classes)}")
    used = {c.color.lower() for c in classes}
    free = [color for color in CLASS_COLOURS if color not in used]
    return ClassInfo(id=len(classes) + 1, name=name, color=free[0] if free else "#cccccc")


def _names(classes: Sequence[ClassInfo]) -> str:
    return ", ".join(c.name for c in classes)
