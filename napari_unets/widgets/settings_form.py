"""A form made from a pydantic model: one declaration of the settings drives widget, call and shell."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox
from magicgui.widgets.bases import ValueWidget
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from napari_unets.errors import NapariUnetsError

__all__ = ["AUTOMATIC", "SettingsForm", "SettingsValueError"]

#: What a number that may be None shows while it is.
AUTOMATIC = "automatic"

_M = TypeVar("_M", bound=BaseModel)
_NUMBERS_TO_PICK = (16, 32, 48, 64, 96, 128, 192, 256)


class SettingsValueError(NapariUnetsError):
    """A setting of the form that is not allowed; the message names it."""


class SettingsForm(Generic[_M]):
    """A magicgui form of a pydantic model's fields.

    A number that may be None shows :data:`AUTOMATIC` at its lowest value; a choice of words or a number
    becomes a list of both. Labels come from the fields' titles, tool tips from their descriptions,
    limits from their bounds.

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
        labels = labels or {}
        for name, field in model.model_fields.items():
            if name not in leave_out:
                self._widgets[name] = self._make(name, field, labels.get(name, field.title or _words(name)))
        self.container = Container(widgets=list(self._widgets.values()), labels=True)
        self.container.margins = (0, 0, 0, 0)

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
        for name in self._optional:
            if values[name] == getattr(self._widgets[name], "min", None):
                values[name] = None
        return values

    def set(self, name: str, value: Any) -> None:
        """Put a value into the form; None where the field may be None."""
        widget = self._widgets[name]
        widget.value = getattr(widget, "min", value) if value is None and name in self._optional else value

    def __getitem__(self, name: str) -> ValueWidget[Any]:
        """Widget of a field."""
        return self._widgets[name]

    def _make(self, name: str, field: FieldInfo, label: str) -> ValueWidget[Any]:
        default = field.get_default(call_default_factory=True)
        kinds = _alternatives(field.annotation)
        words = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
        common = {"name": name, "label": label, "tooltip": field.description or ""}
        if words:
            choices = [*words, *(_NUMBERS_TO_PICK if int in kinds else ())]
            return ComboBox(choices=choices, value=default, **common)
        if bool in kinds:
            return CheckBox(value=default, **{**common, "label": "", "text": label})
        if int in kinds or float in kinds:
            return self._make_number(name, field, default, float in kinds, type(None) in kinds, common)
        return LineEdit(value="" if default is None else str(default), **common)

    def _make_number(
        self, name: str, field: FieldInfo, default: Any, real: bool, optional: bool, common: dict[str, Any]
    ) -> ValueWidget[Any]:
        low, high, step = 0.0, 1e6, 0.05 if real else 1
        for bound in field.metadata:
            match bound:
                case Ge(ge=value) | Gt(gt=value):
                    low = float(value)  # type: ignore[arg-type]
                case Le(le=value) | Lt(lt=value):
                    high = float(value)  # type: ignore[arg-type]
                case MultipleOf(multiple_of=value):
                    step = value  # type: ignore[assignment]
        if optional:
            self._optional.add(name)
            low = min(low, 0.0) if real or low > 0 else low - 1
        kind = FloatSpinBox if real else SpinBox
        limits = {"min": low if real else int(low), "max": high if real else int(high), "step": step}
        widget = kind(value=limits["min"] if default is None else default, **limits, **common)
        if optional:
            widget.native.setSpecialValueText(AUTOMATIC)
        return widget


def _alternatives(annotation: Any) -> list[Any]:
    """Members of a union, or the type alone."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for member in get_args(annotation) for kind in _alternatives(member)]
    return [annotation]


def _words(name: str) -> str:
    """Label of a field from its name."""
    return name.replace("_", " ").capitalize()
