"""The Segment widget on a Dask cluster: a real scheduler and worker on the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest
from jobs.dask_cluster import Cluster
from qtpy.QtCore import Qt

from napari_unets.inference import segment
from napari_unets.models import load_model
from napari_unets.widgets.parts.result_layers import METADATA_KEY
from napari_unets.widgets.parts.session import close_worker
from napari_unets.widgets.segment.widget import SegmentWidget

EXACT = {"backend": "torch", "precision": "fp32"}
STACK = np.random.default_rng(0).integers(0, 255, (2, 60, 70)).astype(np.uint8)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    # The worker's own store is empty: the model has to come along.
    folder = tmp_path_factory.mktemp("dask")
    cluster = Cluster(folder, environment={"NAPARI_UNETS_MODELS": str(folder / "no models")})
    yield cluster
    cluster.close()


@pytest.fixture
def widget(make_napari_viewer, store):
    viewer = make_napari_viewer()
    made = SegmentWidget(viewer)
    viewer.window.add_dock_widget(made, name="Segment")
    made.model.choose("tiny")
    for name, value in EXACT.items():
        made.advanced.inference.set(name, value)
    viewer.add_image(STACK, name="cells")
    made.advanced.expand()
    yield made
    close_worker()


def enter(qtbot, widget, text: str) -> None:
    line = widget.advanced.scheduler.line
    line.clear()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def note(widget) -> str:
    return widget.advanced.scheduler.note.text()


def test_runs_there_and_here_again(widget, cluster: Cluster, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(
        widget.advanced.scheduler._silence, "start", lambda: widget.advanced.scheduler._silence.timeout.emit()
    )
    enter(qtbot, widget, cluster.address.removeprefix("tcp://"))
    assert widget.advanced.scheduler.line.text() == cluster.address
    assert "no free worker" in note(widget)
    cluster.add_worker("--no-nanny")
    qtbot.waitUntil(lambda: "Connected" in note(widget), timeout=60_000)
    assert "cpu" in widget.device.box.itemText(widget.device.box.count() - 1)

    qtbot.mouseClick(widget.scope.buttons["stack"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(widget.run_panel.run, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(widget.run_ended, timeout=60_000) as ended:
        pass
    assert ended.args == [True], widget.run_panel.message.text()
    result = next(layer for layer in widget._viewer.layers if METADATA_KEY in layer.metadata)
    np.testing.assert_array_equal(result.data, segment(load_model("tiny"), STACK, **EXACT))

    enter(qtbot, widget, "")
    assert widget.advanced.scheduler.address is None
    assert note(widget) == ""


def test_nobody_answers(widget, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("napari_unets.jobs.worker.remote._CONNECT_S", 0.3)
    enter(qtbot, widget, "127.0.0.1:9")
    qtbot.waitUntil(lambda: "No Dask scheduler answers at 'tcp://127.0.0.1:9'" in note(widget), timeout=60_000)
    assert "no answer from the Dask scheduler" in widget.device.reason.text()


def test_another_version(widget, cluster: Cluster, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("napari_unets.widgets.parts.scheduler_choice.metadata.version", lambda _: "99.0")
    enter(qtbot, widget, cluster.address)
    qtbot.waitUntil(lambda: "but this is 99.0" in note(widget), timeout=60_000)


def test_address_that_is_changed_before_the_answer(widget, cluster: Cluster, qtbot, monkeypatch) -> None:
    monkeypatch.setattr("napari_unets.jobs.worker.remote._CONNECT_S", 3600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        enter(qtbot, widget, f"127.0.0.1:{silent.getsockname()[1]}")
        enter(qtbot, widget, cluster.address)
        qtbot.waitUntil(lambda: "Connected" in note(widget), timeout=60_000)
        close_worker()  # would take an hour if it waited for the other one's answer
