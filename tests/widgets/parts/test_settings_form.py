"""The form that is made from a pydantic model."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from pydantic import BaseModel, ConfigDict, Field, model_validator
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_unets.inference.settings import InferenceSettings
from napari_unets.widgets.parts.settings_form import AUTOMATIC, SettingsForm, SettingsValueError


class Toy(BaseModel):
    """Settings of every kind.

    Attributes
    ----------
    size : int
        How large,
        in pixels.
    share : float or None
        A part of the whole.
    """

    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=3, le=9)] = 5
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    ratio: float = Field(0.5, gt=0, lt=1)
    mode: Literal["slow", "fast"] = "fast"
    halo: Literal["card", "exact"] | int = "card"
    twice: bool = False
    place: str = "auto"

    @model_validator(mode="after")
    def _fits(self) -> Toy:
        if self.twice and self.mode == "slow":
            raise ValueError("twice and slow do not go together")
        return self


@pytest.fixture
def form(qtbot) -> SettingsForm[Toy]:
    return SettingsForm(Toy, leave_out=("place",), labels={"size": "Size (px)"})


def test_untouched_form_gives_the_defaults(form):
    assert form.value() == Toy()
    assert form.value(place="here").place == "here"


def test_each_kind_gets_its_widget(form):
    kinds = {"size": SpinBox, "ratio": FloatSpinBox, "count": LineEdit, "mode": ComboBox, "halo": ComboBox}
    for name, kind in {**kinds, "twice": CheckBox}.items():
        assert isinstance(form[name], kind)
    assert (form["size"].min, form["size"].max) == (3, 9)
    assert form["size"].label == "Size (px)"
    assert form["size"].tooltip == "How large, in pixels."
    assert form["share"].tooltip == "A part of the whole."
    assert form["halo"].choices[:2] == ("card", "exact")


def test_none_is_shown_as_a_word_and_can_be_left_and_set_again(form):
    assert form["count"].native.placeholderText() == AUTOMATIC
    form["count"].value = "1"
    form["share"].value = "0.25"
    assert form.value().count == 1
    assert form.value().share == 0.25
    form.set("count", None)
    form.set("share", None)
    assert form.value() == Toy()


def test_what_does_not_fit_is_an_error_in_words(form):
    form.set("mode", "slow")
    form.set("twice", True)
    with pytest.raises(SettingsValueError, match="do not go together"):
        form.value()
    form.set("mode", "fast")
    form["count"].value = "many"
    with pytest.raises(SettingsValueError, match=r"^Count: .*integer"):
        form.value()


def test_inference_settings_make_a_form(qtbot):
    form = SettingsForm(InferenceSettings, leave_out=("device",))
    page = QWidget()
    qtbot.addWidget(page)
    layout = QFormLayout(page)
    form.add_rows(layout)
    assert layout.rowCount() == len(InferenceSettings.model_fields) - 1
    assert form.value() == InferenceSettings()
    form.set("halo", 64)
    form.set("tile", 512)
    form.set("tta", True)
    assert form.value(device="cpu") == InferenceSettings(device="cpu", halo=64, tile=512, tta=True)
    assert "flips" in form["tta"].tooltip
