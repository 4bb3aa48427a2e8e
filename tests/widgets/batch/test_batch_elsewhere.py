"""The Batch widget on a Dask cluster: a real scheduler and worker on the loopback interface."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from jobs.dask_cluster import Cluster
from qtpy.QtCore import Qt

from napari_unets.images import open_stack, save_stack
from napari_unets.inference import segment
from napari_unets.models import load_model
from napari_unets.widgets.batch.widget import BatchWidget
from napari_unets.widgets.parts.session import close_worker

EXACT = {"backend": "torch", "precision": "fp32"}
STACK = np.random.default_rng(0).integers(0, 255, (2, 60, 70)).astype(np.uint8)
PATIENCE = 60_000


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    # The worker's own store is empty: the model has to come along.
    made = Cluster(tmp_path, environment={"NAPARI_UNETS_MODELS": str(tmp_path / "no models")})
    made.add_worker("--no-nanny")
    yield made
    made.close()


def test_runs_there(make_napari_viewer, store, cluster, tmp_path, qtbot):
    save_stack(tmp_path / "a.tif", STACK, axes="zyx", voxel_size_nm=(50, 4, 4))
    viewer = make_napari_viewer()
    widget = BatchWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Batch")
    widget.model.choose("tiny")
    widget.outputs.folder.setText(str(tmp_path / "out"))
    for name, value in EXACT.items():
        widget.advanced.inference.set(name, value)
    widget.advanced.expand()
    line = widget.advanced.scheduler.line
    qtbot.keyClicks(line, cluster.address)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Connected" in widget.advanced.scheduler.note.text(), timeout=PATIENCE)
    widget.add([str(tmp_path / "a.tif"), str(tmp_path / "gone.tif")])
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE) as ended:
        qtbot.mouseClick(widget.run_panel.run, Qt.MouseButton.LeftButton)
    assert ended.args == [True], widget.run_panel.message.text()
    there, gone = widget.rows.rows
    assert there.status == "done", there.reason
    assert (gone.status, "gone.tif" in gone.reason) == ("failed", True)
    model = load_model("tiny")
    np.testing.assert_array_equal(np.asarray(open_stack(there.item.target)), segment(model, STACK, **EXACT))
    close_worker()
