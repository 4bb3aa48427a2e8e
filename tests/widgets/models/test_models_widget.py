"""The Models widget, with its real buttons."""

from __future__ import annotations

import json
import shutil

import pytest
from napari._app_model import get_app_model
from qtpy.QtCore import Qt
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QDialogButtonBox, QFileDialog, QInputDialog, QMessageBox

from napari_unets.models import ModelCard, ModelStore, export_model, load_model
from napari_unets.widgets.models.card_text import card_html
from napari_unets.widgets.models.widget import ModelsWidget
from napari_unets.widgets.segment.widget import SegmentWidget

PATIENCE = 60_000


@pytest.fixture
def widget(make_napari_viewer, own_store):
    viewer = make_napari_viewer()
    made = ModelsWidget(viewer)
    viewer.window.add_dock_widget(made, name="Models")
    return made


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def work(qtbot, widget, button):
    with qtbot.waitSignal(widget.finished, timeout=PATIENCE) as ended:
        press(qtbot, button)
    return ended.args[0]


def answer_name(monkeypatch, name):
    """Type a name when one is asked for, or cancel (None)."""
    asked = []

    def answer(_parent, title, label, *, text):
        asked.append((title, label, text))
        return name or "", name is not None

    monkeypatch.setattr(QInputDialog, "getText", answer)
    return asked


def names(widget):
    return [widget.models.item(row).text().strip() for row in range(widget.models.count())]


def test_the_list_and_a_card(qtbot, widget, own_store):
    assert names(widget)[0] == "With napari-unets"
    assert names(widget)[-2:] == ["Yours", "The tiny model"]
    widget.models.choose("em-membranes")
    text = widget.card.text()
    card = load_model("em-membranes").card
    for part in (
        card.title,
        card.summary,
        "electron microscopy",
        "1 = membrane",
        card.classes[0].color,
        "4 nm",
        "sf-net",
    ):
        assert part in text
    assert "22 of the sections" in text
    assert card.licence in text
    assert "ships with napari-unets" in text
    assert not widget.remove.isEnabled()
    assert not widget.rename.isEnabled()
    widget.models.choose("tiny")
    assert "tiny</i>, yours" in widget.card.text()
    assert str(own_store / "tiny") in widget.card.text()
    assert widget.remove.isEnabled()


def test_a_damaged_model_can_be_looked_at_and_removed(qtbot, widget, own_store, monkeypatch):
    (own_store / "tiny" / "card.json").write_text("{}")
    press(qtbot, widget.refresh)
    assert names(widget)[-1] == "tiny (damaged)"
    widget.models.choose("tiny")
    assert "not a valid model card" in widget.card.text()
    assert not widget.use.isEnabled()
    assert not widget.export.isEnabled()
    asked = []

    def no(_parent, _title, text, *_buttons):
        asked.append(text)
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", no)
    press(qtbot, widget.remove)
    assert str(own_store / "tiny") in asked[0]
    assert (own_store / "tiny").is_dir()
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    assert work(qtbot, widget, widget.remove)
    assert not (own_store / "tiny").exists()
    assert "Yours" not in names(widget)
    assert widget.models.name


def test_models_that_cannot_be_listed_are_told(qtbot, widget, own_store):
    shutil.rmtree(own_store)
    own_store.write_text("a file")
    press(qtbot, widget.refresh)
    last = widget.models.item(widget.models.count() - 1)
    assert (last.text(), widget.models.name) == ("Yours cannot be listed", "em-membranes")
    assert str(own_store) in last.toolTip()


def test_show_folder(qtbot, widget, own_store, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    widget.models.choose("tiny")
    press(qtbot, widget.reveal)
    assert opened == [str(own_store / "tiny")]


@pytest.mark.parametrize("first", ["the menu", "Use"])
def test_use_and_the_menu_open_the_same_segment_widget(qtbot, widget, first):
    docks = widget._viewer.window._wrapped_dock_widgets

    def panels():
        return [dock for dock in docks.values() if isinstance(dock.inner_widget(), SegmentWidget)]

    def choose_in_the_menu():
        get_app_model().commands.execute_command("napari-unets.segment").result()

    widget.models.choose("tiny")
    if first == "the menu":
        choose_in_the_menu()
        panels()[0].hide()
    press(qtbot, widget.use)
    (dock,) = panels()
    assert dock.inner_widget().model.name == "tiny"
    assert not dock.isHidden()
    choose_in_the_menu()  # which hides and shows what is open
    assert panels() == [dock]


def test_a_model_whose_folder_is_gone(qtbot, widget, own_store, make_model):
    make_model("gone")
    widget.models.refill()
    widget.models.choose("tiny")
    shutil.rmtree(own_store / "gone")
    widget.models.choose("gone")
    assert "no model 'gone'" in widget.message.text()
    assert not widget.use.isEnabled()
    qtbot.waitUntil(lambda: "The gone model" not in names(widget))
    shutil.rmtree(own_store / "tiny")
    widget.models.choose("tiny")
    for button in (widget.use, widget.reveal, widget.remove):
        button.setEnabled(True)
        press(qtbot, button)
        assert "no model 'tiny'" in widget.message.text()


def test_links_on_the_card_open(widget):
    assert widget.card.openExternalLinks()
    assert widget.card.textInteractionFlags() & Qt.TextInteractionFlag.LinksAccessibleByMouse


def test_export_and_import(qtbot, widget, own_store, tmp_path, monkeypatch):
    widget.models.choose("tiny")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), "Zip file (*.zip)"))
    assert work(qtbot, widget, widget.export)
    assert str(tmp_path / "out.zip") in widget.message.text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out"), "Model folder (*)"))
    assert work(qtbot, widget, widget.export)
    assert load_model(tmp_path / "out").card == load_model("tiny").card

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "out.zip"), ""))
    asked = answer_name(monkeypatch, "guest")
    with qtbot.waitSignal(widget.finished, timeout=PATIENCE):
        widget.from_zip.trigger()
    assert asked == [("Import", "There is a model tiny already. Call this one:", "tiny-2")]
    assert widget.message.text() == "guest is now one of your models."
    assert widget.models.name == "guest"
    assert load_model("guest").card.weights_sha256 == load_model("tiny").card.weights_sha256

    answer_name(monkeypatch, None)
    widget.from_zip.trigger()
    assert sorted(path.name for path in own_store.iterdir()) == ["guest", "tiny"]


def test_what_is_wrong_with_an_import_is_said(qtbot, widget, own_store, tmp_path, monkeypatch):
    (tmp_path / "no.zip").write_text("no zip")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "no.zip"), ""))
    widget.from_zip.trigger()
    assert "neither a model's folder nor a zip file" in widget.message.text()
    folder = export_model("tiny", tmp_path / "changed")
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"name": "changed", "weights_sha256": "1" * 64}))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    with qtbot.waitSignal(widget.finished, timeout=PATIENCE) as ended:
        widget.from_folder.trigger()
    assert ended.args == [False]
    assert "the weights are not those of the card" in widget.message.text()
    assert [path.name for path in own_store.iterdir()] == ["tiny"]
    assert widget.bring_in.isEnabled()


def test_copy_and_rename(qtbot, widget, own_store, monkeypatch):
    widget.models.choose("sauvola")
    asked = answer_name(monkeypatch, "my-sauvola")
    assert work(qtbot, widget, widget.copy)
    assert asked[0][2] == "sauvola-copy"
    assert widget.models.name == "my-sauvola"
    assert names(widget)[-2:] == ["The tiny model", "Sauvola (local threshold): my-sauvola"]  # formulas last
    answer_name(monkeypatch, "Not A Name")
    assert not work(qtbot, widget, widget.rename)
    assert "'not-a-name' would be one" in widget.message.text()
    widget.models.choose("my-sauvola")
    answer_name(monkeypatch, "better")
    assert work(qtbot, widget, widget.rename)
    assert sorted(path.name for path in own_store.iterdir()) == ["better", "tiny"]
    assert widget.models.name == "better"


def test_other_widgets_list_what_is_done_here_at_once(qtbot, widget, own_store, monkeypatch):
    segment = SegmentWidget(widget._viewer)
    qtbot.addWidget(segment)
    segment.model.choose("tiny")
    widget.models.choose("tiny")
    answer_name(monkeypatch, "better")
    assert work(qtbot, widget, widget.rename)
    assert segment.model.name == "better", "the choice stays with the model"
    answer_name(monkeypatch, "more")
    assert work(qtbot, widget, widget.copy)
    assert segment.model.box.findData("more") >= 0
    assert segment.model.name == "better"
    segment.close()


def test_a_card_cannot_bring_markup_of_its_own(tiny_card):
    evil = "<img src='file:///etc/passwd'> <script> & https://example.org/a?b=1&c=2."
    hostile = ModelCard.model_validate(
        tiny_card.model_dump()
        | {"title": evil, "summary": evil, "description": evil, "licence": evil, "citation": [evil]}
        | {"scores": [{"data": evil, "values": {evil: 1.0}}], "parent": evil}
    )
    html = card_html(hostile, ModelStore().folder("tiny"), own=True)
    assert "<img" not in html
    assert "<script" not in html
    assert '<a href="https://example.org/a?b=1&amp;c=2">' in html


def test_a_new_model(qtbot, widget, own_store):
    press(qtbot, widget.new)
    dialog = widget.new.dialog
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    qtbot.keyClicks(dialog.name, "My nuclei")
    assert ok.isEnabled()
    dialog.classes.clear()
    qtbot.keyClicks(dialog.classes, "nucleus")
    assert not ok.isEnabled()
    qtbot.keyClicks(dialog.classes, ", rest")
    dialog.images.setCurrentText("in colour")
    dialog.network.setCurrentText("segnet")
    assert not dialog.features.isEnabled()
    dialog.network.setCurrentText("unet")
    assert "width of 16" in dialog.advice.text()
    assert dialog.features.value() == 16
    dialog.features.setValue(4)
    with qtbot.waitSignal(widget.finished, timeout=PATIENCE) as ended:
        press(qtbot, ok)
        assert not widget.new.isEnabled()
    assert ended.args == [True], widget.message.text()
    card = load_model("my-nuclei").card
    assert card.is_untrained
    assert [c.name for c in card.classes] == ["nucleus", "rest"]
    assert (card.network, card.network_config["width"], card.in_channels) == ("unet", 4, 3)
    assert widget.models.name == "my-nuclei"
    assert "has learnt nothing" in widget.message.text()

    press(qtbot, widget.new)
    qtbot.keyClicks(widget.new.dialog.name, "tiny")
    with qtbot.waitSignal(widget.finished, timeout=PATIENCE) as ended:
        press(qtbot, widget.new.dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert ended.args == [False]
    assert "already" in widget.message.text()
    assert widget.new.isEnabled()
