"""The Annotate & fine-tune widget that was closed and opened again, and models that are renamed while it is open."""

from __future__ import annotations

import pytest
from widgets.annotate.driving import (
    QUICK,
    STACK,
    fine_tune,
    message,
    new_annotations,
    paint,
    press,
    settle,
    wait_for_end,
    wait_for_step,
)

from napari_unets.jobs.tasks.tuning import TuningSummary
from napari_unets.jobs.tasks.tuning_folder import TuningFolder, TuningFolderError
from napari_unets.models import ModelStore, load_model, rename_model
from napari_unets.widgets.annotate.tune_outcome import mood_of, tuning_in_words
from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.parts.store_news import store_news

pytestmark = pytest.mark.usefixtures("one_worker")


def test_the_model_and_what_it_has_learnt_are_there_again(qtbot, viewer, data):
    widget = AnnotateWidget(viewer)
    dock = viewer.window.add_dock_widget(widget, name="Annotate")
    assert widget.model.name == "em-membranes-fast"
    layer = new_annotations(qtbot, widget)
    dock.title.close_button.click()
    again = AnnotateWidget(viewer)
    dock = viewer.window.add_dock_widget(again, name="Annotate")
    assert again.model.name == again.control.name == "em-membranes-fast"
    again.model.choose("tiny")
    for name, value in QUICK.items():
        again.panel.form.set(name, value)
    assert again.session.layer is layer
    paint(again)
    settle(qtbot, again)
    fine_tune(qtbot, again, 2)
    wait_for_end(qtbot, again)
    learnt = again.control.tuned
    dock.title.close_button.click()
    last = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(last, name="Annotate")
    assert last.model.name == "tiny"
    assert last.control.tuned is learnt
    assert "not saved yet" in message(last)
    press(qtbot, last.panel.revert)
    assert [one.name for one in viewer.layers] == ["sections", layer.name], "the preview goes as well"
    last.close()


def test_the_image_that_was_painted_on_is_chosen_again_unless_another_one_is_selected(qtbot, widget, viewer):
    other = viewer.add_image(STACK, name="another of the same size")
    sections = viewer.layers["sections"]
    widget.image.choose(sections)
    layer = new_annotations(qtbot, widget)
    widget.close()
    again = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(again, name="Annotate")
    assert (again.image.layer, again.session.layer, again.model.name) == (sections, layer, "tiny")
    viewer.window.remove_dock_widget(again)
    viewer.layers.selection.active = other
    last = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(last, name="Annotate")
    assert last.image.layer is other
    last.close()


def test_what_was_learnt_stays_with_a_model_that_is_renamed(qtbot, widget, own_store):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 2)
    rename_model("tiny", "while-it-learns", store=ModelStore())
    store_news().changed.emit()
    wait_for_end(qtbot, widget)
    learnt = widget.control.tuned
    assert widget.model.name == widget.control.name == "while-it-learns"
    rename_model("while-it-learns", "after-it", store=ModelStore())
    store_news().changed.emit()
    assert widget.model.name == widget.control.name == "after-it"
    assert widget.control.tuned is learnt
    widget.model.choose("em-membranes")
    rename_model("after-it", "away-from-it", store=ModelStore())
    store_news().changed.emit()
    widget.model.choose("away-from-it")
    assert widget.control.tuned is learnt


def test_a_run_on_an_image_that_was_renamed_can_be_resumed(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5000)
    wait_for_step(qtbot, widget, 3)
    viewer.layers["sections"].name = "renamed"
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert widget.panel.resume.isEnabled()


def test_a_model_that_ships_with_the_package_is_not_hidden_by_one_that_is_saved(qtbot, widget, own_store):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 2)
    wait_for_end(qtbot, widget)
    widget.panel.name.setText("em-membranes")
    press(qtbot, widget.panel.save)
    assert "ships with the package" in widget.panel.saved.text()
    assert not (own_store / "em-membranes").exists()


def test_a_run_goes_on_when_its_folder_is_full(qtbot, widget, monkeypatch):
    def fail(*_):
        raise TuningFolderError("no space left")

    new_annotations(qtbot, widget)
    paint(widget)
    monkeypatch.setattr(TuningFolder, "ask_for", fail)
    fine_tune(qtbot, widget, 2)
    assert widget.panel.saved.text() == "no space left"
    monkeypatch.setattr(TuningFolder, "write_plan", fail)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("2 steps in"), message(widget)
    assert widget.panel.save.isEnabled()


def test_a_run_that_came_apart_is_told(store, tmp_path):
    summary = TuningSummary(tmp_path, load_model("tiny").card, 6, True, 12.0, diverged=True)
    said = tuning_in_words(summary, all_shown=True)
    assert said.startswith(
        "Came apart after 6 steps in 12 s: its loss was no number any more. Learn again with a lower"
    )
    assert mood_of(summary) == "warning"
