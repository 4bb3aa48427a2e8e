"""A form made from a pydantic model: one declaration of the settings drives widget, call and shell."""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtWidgets import QFormLayout, QLabel

from napari_unets.errors import NapariUnetsError

__all__ = ["AUTOMATIC", "SettingsForm", "SettingsValueError"]

#: What the field of a number that may be None shows while it is empty.
AUTOMATIC = "automatic"

_M = TypeVar("_M", bound=BaseModel)
_NUMBERS_TO_PICK = (16, 32, 48, 64, 96, 128, 192, 256)


class SettingsValueError(NapariUnetsError):
    """A setting of the form that is not allowed; the message names it."""


class SettingsForm(Generic[_M]):
    """magicgui widgets of a pydantic model's fields, as rows of a form.

    A field that may be None can be left empty and then shows :data:`AUTOMATIC`; a choice of words or a number
    becomes a list of both. Labels come from the fields' names, limits from their bounds, tool tips from
    their descriptions or from the "Attributes" of the class' docstring.

    Parameters
    ----------
    model : type of BaseModel
        The settings.
    leave_out : collection of str
        Fields that are set elsewhere.
    labels : mapping of str to str
        Labels that shall differ from the fields' names.
    """

    def __init__(
        self, model: type[_M], leave_out: Collection[str] = (), labels: Mapping[str, str] | None = None
    ) -> None:
        self._model = model
        self._widgets: dict[str, ValueWidget[Any]] = {}
        self._optional: set[str] = set()
        self._help = _attributes_of(model)
        labels = labels or {}
        for name, field in model.model_fields.items():
            if name not in leave_out:
                self._widgets[name] = self._make(name, field, labels.get(name, _words(name)))

    def value(self, **others: Any) -> _M:
        """Return the settings as the form has them, with those that it leaves out given as keywords.

        Raises
        ------
        SettingsValueError
            If they do not fit together.
        """
        try:
            return self._model(**self.changes(), **others)
        except ValidationError as error:
            first = error.errors()[0]
            where = _words(str(first["loc"][0])) if first["loc"] else "settings"
            raise SettingsValueError(f"{where}: {first['msg']}") from None

    def changes(self) -> dict[str, Any]:
        """Every field of the form and its value."""
        values = {name: widget.value for name, widget in self._widgets.items()}
        return {name: None if name in self._optional and value == "" else value for name, value in values.items()}

    def set(self, name: str, value: Any) -> None:
        """Put a value into the form; None where the field may be None."""
        if name in self._optional:
            value = "" if value is None else str(value)
        self._widgets[name].value = value

    def add_rows(self, layout: QFormLayout) -> None:
        """Add a row for each field to a form."""
        for widget in self._widgets.values():
            if isinstance(widget, CheckBox):
                layout.addRow(widget.native)
                continue
            label = QLabel(widget.label)
            label.setToolTip(widget.tooltip or "")
            layout.addRow(label, widget.native)

    def __getitem__(self, name: str) -> ValueWidget[Any]:
        """Widget of a field."""
        return self._widgets[name]

    def _make(self, name: str, field: FieldInfo, label: str) -> ValueWidget[Any]:
        default = field.get_default(call_default_factory=True)
        kinds, bounds = _alternatives(field.annotation)
        words = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
        tooltip = field.description or self._help.get(name, "")
        common: dict[str, Any] = {"name": name, "label": label, "tooltip": tooltip}
        if words:
            choices = [*words, *(_NUMBERS_TO_PICK if int in kinds else ())]
            return ComboBox(choices=choices, value=default, **common)
        if bool in kinds:
            return CheckBox(value=default, **{**common, "label": "", "text": label})
        if type(None) in kinds:
            return self._make_optional(name, default, common)
        if int in kinds or float in kinds:
            return self._make_number(default, [*bounds, *field.metadata], float in kinds, common)
        return LineEdit(value=str(default), **common)

    def _make_number(self, default: Any, bounds: list[Any], real: bool, common: dict[str, Any]) -> ValueWidget[Any]:
        low, high, step = 0.0, 1e6, 0.05 if real else 1.0
        for bound in bounds:
            match bound:
                case Ge(ge=value) | Gt(gt=value):
                    low = float(value)  # type: ignore[arg-type]
                case Le(le=value) | Lt(lt=value):
                    high = float(value)  # type: ignore[arg-type]
                case MultipleOf(multiple_of=value):
                    step = float(value)  # type: ignore[arg-type]
        if real:
            return FloatSpinBox(value=default, min=low, max=high, step=step, **common)
        return SpinBox(value=default, min=int(low), max=int(high), step=int(step), **common)

    def _make_optional(self, name: str, default: Any, common: dict[str, Any]) -> ValueWidget[Any]:
        self._optional.add(name)
        widget = LineEdit(value="" if default is None else str(default), **common)
        widget.native.setPlaceholderText(AUTOMATIC)
        return widget


def _alternatives(annotation: Any) -> tuple[list[Any], list[Any]]:
    """Members of a union, or the type alone; and the bounds that stand with them."""
    kinds: list[Any] = []
    bounds: list[Any] = []
    if get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            more_kinds, more_bounds = _alternatives(member)
            kinds += more_kinds
            bounds += more_bounds
    elif get_origin(annotation) is Annotated:
        kind, *notes = get_args(annotation)
        kinds.append(kind)
        for note in notes:
            bounds += note.metadata if isinstance(note, FieldInfo) else [note]
    else:
        kinds.append(annotation)
    return kinds, bounds


def _attributes_of(model: type[BaseModel]) -> dict[str, str]:
    """Read what a numpydoc docstring says of each attribute."""
    _, _, section = (inspect.getdoc(model) or "").partition("Attributes\n----------\n")
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        if line.startswith(" ") and found:
            next(reversed(found.values())).append(line.strip())
        elif " : " in line:
            found[line.partition(" : ")[0]] = []
        elif line.strip():
            break
    return {name: " ".join(lines) for name, lines in found.items()}


def _words(name: str) -> str:
    """Label of a field from its name."""
    return name.replace("_", " ").capitalize()
