"""What was painted last is kept, also when it is just being read as the window closes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unets.models import ClassInfo
from napari_unets.widgets.annotate import annotation_record
from napari_unets.widgets.annotate.annotation_session import AnnotationSession
from napari_unets.widgets.annotate.autosave import read_autosave

CLASSES = [ClassInfo(id=1, name="inside", color="#e4572e"), ClassInfo(id=2, name="border", color="#4fa3d1")]
PATIENCE = 60_000


@pytest.fixture
def session(qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_UNETS_DATA", str(tmp_path))
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((3, 40, 50), np.uint8), name="sections")
    made = AnnotationSession(viewer)
    made.choose(made.new(image, CLASSES), image, CLASSES)
    yield made
    made.close()


@pytest.fixture
def slow_reading(monkeypatch):
    """Reading a plane takes until it is let go; gives (begun, go on)."""
    begun, go_on = threading.Event(), threading.Event()
    read = annotation_record.plane_of

    def held(layer, number):
        begun.set()
        assert go_on.wait(PATIENCE / 1000)
        return read(layer, number)

    monkeypatch.setattr(annotation_record, "plane_of", held)
    yield begun, go_on
    go_on.set()


def paint(session, plane=1):
    session.layer.paint((plane, 20, 20), 1)


def test_is_not_settled_while_the_last_plane_is_read(qtbot, session, slow_reading):
    begun, go_on = slow_reading
    paint(session)
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    assert not session.record.is_settled
    with qtbot.waitSignal(session.record.changed, timeout=PATIENCE):
        go_on.set()
    qtbot.waitUntil(lambda: session.record.is_settled, timeout=PATIENCE)
    session.autosave.wait()
    assert session.autosave.path.exists()


def test_a_stroke_that_is_being_read_as_the_window_closes_is_saved(qtbot, session, slow_reading):
    begun, go_on = slow_reading
    paint(session)
    painted, file = np.array(session.layer.data[1]), session.autosave.path
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    threading.Timer(0.3, go_on.set).start()
    session.close()
    _, kept = read_autosave(file)
    np.testing.assert_array_equal(kept.by_plane[1], painted)


def test_a_plane_that_could_not_be_read_is_read_again(qtbot, session, monkeypatch):
    read = annotation_record.plane_of
    failures = iter([OSError("the disk is gone")])

    def sometimes(layer, number):
        for error in failures:
            raise error
        return read(layer, number)

    monkeypatch.setattr(annotation_record, "plane_of", sometimes)
    paint(session)
    qtbot.waitUntil(lambda: bool(session.record.counts) and session.record.is_settled, timeout=PATIENCE)
    assert set(session.record.counts) == {1}


def test_closing_saves_the_other_layers_if_one_cannot_be_read(qtbot, session, monkeypatch):
    broken = session.layer
    session.choose(session.new(session.image, CLASSES), session.image, CLASSES)
    read = annotation_record.plane_of

    def unreadable(layer, number):
        if layer is broken:
            raise OSError("the disk is gone")
        return read(layer, number)

    monkeypatch.setattr(annotation_record, "plane_of", unreadable)
    file = session.autosave.path
    broken.paint((1, 20, 20), 1)
    paint(session)
    with pytest.raises(OSError, match="the disk is gone"):
        session.close()
    _, kept = read_autosave(file)
    np.testing.assert_array_equal(kept.by_plane[1], session.layer.data[1])
