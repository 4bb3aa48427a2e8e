"""What was painted last is kept, also when it is just being read as the window closes."""

from __future__ import annotations

import threading
from contextlib import suppress

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unets.learning import SparseAnnotations
from napari_unets.models import ClassInfo
from napari_unets.widgets.annotate import annotation_record
from napari_unets.widgets.annotate.annotation_layer import is_annotations
from napari_unets.widgets.annotate.annotation_record import AnnotationRecord
from napari_unets.widgets.annotate.annotation_session import AnnotationSession
from napari_unets.widgets.annotate.autosave import Autosave, AutosaveError, read_autosave

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
    session._saves[session.layer].wait()
    assert session._saves[session.layer].path.exists()


def test_a_stroke_that_is_being_read_as_the_window_closes_is_saved(qtbot, session, slow_reading):
    begun, go_on = slow_reading
    paint(session)
    painted, file = np.array(session.layer.data[1]), session._saves[session.layer].path
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
    file = session._saves[session.layer].path
    broken.paint((1, 20, 20), 1)
    paint(session)
    with pytest.raises(OSError, match="the disk is gone"):
        session.close()
    _, kept = read_autosave(file)
    np.testing.assert_array_equal(kept.by_plane[1], session.layer.data[1])


def settle(qtbot, session):
    qtbot.waitUntil(lambda: session.record.is_settled, timeout=PATIENCE)
    session._saves[session.layer].wait()


def test_the_layer_of_somebody_else_is_an_annotation_once_it_was_picked(session):
    truth = session._viewer.add_labels(np.ones((3, 40, 50), np.int32), name="truth")
    assert is_annotations(session.layer)
    assert not is_annotations(truth)
    session.choose(truth, session.image, CLASSES)
    assert is_annotations(truth)


@pytest.mark.parametrize(("dtype", "high"), [(np.int32, 300), (np.int8, 100), (np.uint8, 200)])
def test_ids_that_are_no_classes_stay_none(qtbot, session, dtype, high):
    ids = np.zeros((1, 40, 50), dtype)
    ids[0, :10], ids[0, 20:] = 1, high
    record = AnnotationRecord(Labels(ids, name="cells"), parent=session)
    plane = record.snapshot().by_plane[0]
    assert set(np.unique(plane)) == {0, 1, min(high, 255)}
    assert record.counts == {0: {1: 500, min(high, 255): 1000}}
    record.close()


def test_an_added_class_outlives_the_look_at_another_model(session):
    third = ClassInfo(id=3, name="third", color="#7fb069")
    session.choose(session.layer, session.image, [*CLASSES, third])
    session.choose(session.layer, session.image, CLASSES)
    assert [c.name for c in session.classes] == ["inside", "border"]
    session.add_class(ClassInfo(id=3, name="mitochondria", color="#000000"))
    session.choose(session.layer, session.image, [*CLASSES, third])
    assert [c.name for c in session.classes] == ["inside", "border", "third"]
    session.choose(session.layer, session.image, CLASSES)
    assert [c.name for c in session.classes] == ["inside", "border", "mitochondria"]
    assert list(session.layer.features["class"])[-1] == "mitochondria"


def test_what_is_linked_to_the_annotations_stays_what_it_is(session):
    session._viewer.layers.link_layers([session.image, session.layer])
    session.add_class(ClassInfo(id=3, name="mitochondria", color="#000000"))
    assert session.image.metadata == {}
    assert session.image.colormap.name == "gray"
    assert list(session.layer.features["class"])[-1] == "mitochondria"


def test_a_removed_layer_is_offered_and_restored(qtbot, session):
    session.add_class(ClassInfo(id=3, name="mitochondria", color="#000000"))
    paint(session)
    settle(qtbot, session)
    removed, painted = session.layer, np.array(session.layer.data[1])
    assert session.left_behind(session.image) is None, "its layer is there"
    session._viewer.layers.remove(removed)
    session.choose(None, session.image, CLASSES)
    saved = session.left_behind(session.image)
    assert saved is not None
    session.choose(session.restore(saved, session.image), session.image, CLASSES)
    np.testing.assert_array_equal(session.layer.data[1], painted)
    assert [c.name for c in session.classes] == ["inside", "border", "mitochondria"]
    assert session.left_behind(session.image) is None
    assert not saved.path.exists()


def test_a_widget_opened_again_goes_on_with_the_same_file(qtbot, session):
    paint(session)
    settle(qtbot, session)
    session.close()
    again = AnnotationSession(session._viewer)
    assert again.left_behind(session.image) is None
    again.choose(session.layer, session.image, CLASSES)
    settle(qtbot, again)
    assert again._saves[session.layer].path == session._saves[session.layer].path
    again.close()


def test_widgets_that_follow_the_same_layer_do_not_write_into_each_others_file(tmp_path, monkeypatch):
    errors, both = [], threading.Barrier(2, timeout=1)

    def slowly(*args, **kwargs):
        with suppress(threading.BrokenBarrierError):
            both.wait()
        savez(*args, **kwargs)

    savez = np.savez_compressed
    monkeypatch.setattr(np, "savez_compressed", slowly)
    one, two = (Autosave(tmp_path, "sections", errors.append) for _ in range(2))
    two.path = one.path
    painted = SparseAnnotations((3, 40, 50), {1: np.eye(40, 50, dtype=np.uint8)})
    for save in (one, two):
        save.save(painted, CLASSES)
    for save in (one, two):
        save.wait()
    assert not errors
    assert both.broken, "they were never in it at once"
    assert read_autosave(one.path)[1].by_plane.keys() == {1}


def test_a_folder_that_cannot_be_written_to_is_told(qtbot, session, tmp_path):
    (tmp_path / "annotations").write_text("a file, so that no folder can be made here")
    with qtbot.waitSignal(session.not_saved, timeout=PATIENCE) as told:
        paint(session)
    (error,) = told.args
    assert isinstance(error, AutosaveError)
    assert "annotations of sections cannot be kept" in str(error)


def test_what_is_painted_is_saved_while_python_ends(tmp_path):
    """No thread takes anything then, and windows that were left open are closed only now."""
    save = Autosave(tmp_path, "sections")
    save._threads.shutdown()
    save.save(SparseAnnotations((3, 40, 50), {1: np.eye(40, 50, dtype=np.uint8)}), CLASSES)
    save.wait()
    about, annotations = read_autosave(save.path)
    assert about.pixels == 40
    assert list(annotations.by_plane) == [1]
