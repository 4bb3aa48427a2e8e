"""What the Annotate & fine-tune widget's tests share: a viewer with a stack, and the widget in it."""

from __future__ import annotations

import pytest
from widgets.annotate.driving import QUICK, STACK

from napari_unets.widgets.annotate.widget import AnnotateWidget


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Folder of autosaves and runs."""
    monkeypatch.setenv("NAPARI_UNETS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def viewer(make_napari_viewer, data, own_store):
    made = make_napari_viewer()
    made.add_image(STACK, name="sections")
    return made


@pytest.fixture
def widget(viewer):
    made = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(made, name="Annotate")
    made.model.choose("tiny")
    for name, value in QUICK.items():
        made.panel.form.set(name, value)
    yield made
    made.close()
