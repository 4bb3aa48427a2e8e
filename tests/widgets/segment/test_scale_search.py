"""The Segment widget where pixels are of another size than the model's, or bright and dark are exchanged."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import zoom
from widgets.segment.test_segment_widget import EXACT, STACK, make_widget, message, press, run, wait_for_end

from napari_unets.images import synthetic_em_stack
from napari_unets.models import load_model

pytestmark = pytest.mark.usefixtures("one_worker")


@pytest.fixture
def widget(make_napari_viewer, store):
    return make_widget(make_napari_viewer())


@pytest.fixture
def own_widget(make_napari_viewer, own_store):
    """A widget whose models the test may change."""
    return make_widget(make_napari_viewer())


def test_a_pixel_size_far_from_the_models_is_warned_of_and_made_up_for(qtbot, own_widget, own_store):
    widget = own_widget
    card = load_model("tiny").card.model_copy(update={"pixel_size_nm": 4.0})
    (own_store / "tiny" / "card.json").write_text(card.model_dump_json())
    widget.model.choose("tiny")
    widget._viewer.add_image(STACK, scale=(50, 10, 10), units=("nm",) * 3, name="coarse")
    advice = widget.pixel_size
    assert "10 nm" in advice.note.text()
    assert "2.5 times as large" in advice.button.text()
    press(qtbot, advice.button)
    assert widget.advanced.inference.value(device="auto").scale == 2.5
    assert advice.note.text() == "The model sees it 2.5 times as large."
    assert advice.button.isHidden()
    widget.advanced.inference.set("scale", 1.0)
    assert not advice.button.isHidden()
    fitting = widget._viewer.add_image(
        STACK, scale=(0.05, 0.004, -0.004), units=("um",) * 3, name="flipped, but fitting"
    )
    widget.image.choose(fitting)
    assert advice.isHidden()
    widget.image.choose(widget._viewer.layers["coarse"])
    press(qtbot, advice.button)
    widget.image.choose(fitting)
    assert advice.note.text() == "Pixels of 4 nm; the model learnt from 4 nm. The model sees it 2.5 times as large."
    assert advice.button.text() == "Let it see the image as it is"
    press(qtbot, advice.button)
    assert advice.isHidden()


def test_where_nobody_knows_the_pixel_size_the_scale_is_found_from_the_image(qtbot, own_widget, own_store):
    widget = own_widget
    card = load_model("tiny").card.model_copy(update={"pixel_size_nm": 4.0})
    (own_store / "tiny" / "card.json").write_text(card.model_dump_json())
    widget.model.choose("tiny")
    widget._viewer.add_image(STACK, name="unknown")
    advice, scale = widget.pixel_size, widget.advanced.inference["scale"]
    assert advice.note.text() == "Pixels of unknown size; the model learnt from 4 nm."
    assert advice.button.text() == "Find the scale from the image"
    press(qtbot, advice.button)
    assert not widget.run_panel.run.isEnabled()
    press(qtbot, widget.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert message(widget) == "Stopped; the scale is as it was."
    widget.model.choose("em-membranes-fast")
    for name in EXACT:
        widget.advanced.inference.set(name, "auto")  # quicker
    sections = synthetic_em_stack(2, 256)[0]
    for name, pixels, said in (
        ("larger", zoom(sections, (1, 2, 2), order=1), "0.5 times"),
        ("bright", 255 - sections, "Only with"),
    ):
        widget.image.choose(widget._viewer.add_image(pixels, name=name))
        press(qtbot, advice.button)
        wait_for_end(qtbot, widget)
        assert message(widget).startswith(said)
        if name == "larger":
            assert scale.value == 0.5
            assert advice.button.text() == "Let it see the image as it is"
            press(qtbot, advice.button)
        assert scale.value == 1
    assert advice.button.text() == "Exchange them in a new layer"
    press(qtbot, advice.button)
    layer = widget.image.layer
    assert layer.name == "bright · exchanged"
    np.testing.assert_array_equal(layer.data, sections)
    press(qtbot, advice.button)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("The image as it is fits best")
    run(qtbot, widget)
    assert "on cpu" in message(widget)


def test_the_scale_is_looked_for_where_the_pixel_size_is_known_too(qtbot, widget):
    assert not widget.search.isEnabled(), "there is no image"
    widget.model.choose("em-membranes-fast")
    for name in EXACT:
        widget.advanced.inference.set(name, "auto")
    bright = 255 - synthetic_em_stack(2, 256)[0]
    widget._viewer.add_image(bright, scale=(50, 4, 4), units=("nm",) * 3)
    assert widget.pixel_size.isHidden()
    widget.advanced.expand()
    press(qtbot, widget.search)
    assert not widget.search.isEnabled()
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("Only with")
    assert widget.pixel_size.button.text() == "Exchange them in a new layer"
    press(qtbot, widget.pixel_size.button)
    assert widget.image.layer.scale.tolist() == [50, 4, 4]
    assert widget.search.isEnabled()
    widget.model.choose("otsu")
    assert not widget.search.isEnabled(), "a formula sees no scales"
