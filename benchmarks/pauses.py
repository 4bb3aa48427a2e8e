"""How long the window stands still while models run and learn: the longest gaps between two turns of the event loop.

    tools/with-display python benchmarks/pauses.py
    tools/with-display python benchmarks/pauses.py --steps 20 --repeats 1     # only to see that it runs
    tools/with-display python benchmarks/pauses.py --window 900 600           # less to draw, where there is no GPU

A timer of 5 ms ticks in a real napari window. A run is measured from the button to its end, in which the user paints
and changes slices ten times a second. The worker process uses all cores, so the system shares them out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_unets.images import save_stack, synthetic_em_stack
from napari_unets.widgets.parts.session import close_worker

PATIENCE = 600  # seconds
BATCH = 1000  # files


class Ticks:
    """Moments at which the event loop came round."""

    def __init__(self) -> None:
        self.seen: list[float] = []
        self._timer = QTimer()
        self._timer.timeout.connect(lambda: self.seen.append(time.perf_counter()))
        self._timer.start(5)

    def report(self, what: str) -> None:
        pauses = 1000 * np.diff(self.seen)
        over = int((pauses > 100).sum())
        print(
            f"| {what} | {np.median(pauses):.0f} | {np.quantile(pauses, 0.99):.0f} | {pauses.max():.0f} | "
            f"{over} of {len(pauses)} |",
            flush=True,
        )
        self.seen.clear()


def live(until: Callable[[], bool], act: Callable[[int], None] = lambda _n: None) -> None:
    """Let the window live; ``act`` is called ten times a second."""
    end, following, n = time.monotonic() + PATIENCE, 0.0, 0
    while not until():
        now = time.monotonic()
        if now > end:
            raise SystemExit("waited in vain")
        if now >= following:
            act(n)
            following, n = now + 0.1, n + 1
        QApplication.processEvents()
        time.sleep(0.001)


def live_for(seconds: float, act: Callable[[int], None] = lambda _n: None) -> None:
    end = time.monotonic() + seconds
    live(lambda: time.monotonic() > end, act)


def segment(viewer: napari.Viewer, ticks: Ticks) -> None:
    """Run the bundled model over the stack while the user goes through it."""
    dock, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Segment")
    live(widget.run_panel.run.isEnabled)
    live_for(5)  # the worker process has started
    for what in ("segment, layers are made", "segment again, layers are there"):
        ended: list[bool] = []
        widget.run_ended.connect(ended.append)
        ticks.seen.clear()
        widget.run_panel.run.click()
        live(lambda ended=ended: bool(ended), lambda n: viewer.dims.set_current_step(0, n % 4))
        ticks.report(what)
    viewer.window.remove_dock_widget(dock)


def nothing(viewer: napari.Viewer, ticks: Ticks) -> None:
    """Change slices, and paint, while nothing runs: what the window costs by itself."""
    ticks.seen.clear()
    live_for(5, lambda n: viewer.dims.set_current_step(0, n % 4))
    ticks.report("nothing runs, changing slices")
    layer = viewer.add_labels(np.zeros(viewer.layers[0].data.shape, np.uint8))
    layer.brush_size = 5
    ticks.seen.clear()
    live_for(5, lambda n: paint(viewer, layer, n, 1))
    ticks.report("nothing runs, painting and changing slices")
    viewer.layers.remove(layer)


def paint(viewer: napari.Viewer, layer: napari.layers.Labels, n: int, class_id: int) -> None:
    """Paint a dot, and go to the next slice."""
    layer.paint((n % 4, *spot(n)), class_id)
    viewer.dims.set_current_step(0, n % 4)


def spot(n: int) -> tuple[int, int]:
    return 40 + 7 * n % 400, 40 + 31 * n % 400


def batch(viewer: napari.Viewer, ticks: Ticks, folder: Path) -> None:
    """Run a batch of many small files, then skip them all, while the user goes through the slices."""
    for number in range(BATCH):
        save_stack(folder / "inputs" / f"{number}.tif", np.full((1, 64, 64), number % 251, np.uint8))
    dock, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Batch")
    widget.sources.look([str(folder / "inputs" / "*.tif")])
    live(lambda: widget.rows.rowCount() == BATCH)
    widget.outputs.folder.setText(str(folder / "results"))
    for what in (f"batch of {BATCH} small files", "the same again, all skipped"):
        ended: list[bool] = []
        widget.run_ended.connect(ended.append)
        ticks.seen.clear()
        widget.run_panel.run.click()
        live(lambda ended=ended: bool(ended), lambda n: viewer.dims.set_current_step(0, n % 4))
        ticks.report(what)
    viewer.window.remove_dock_widget(dock)


def tune(viewer: napari.Viewer, truth: np.ndarray, ticks: Ticks, steps: int) -> None:
    """Fine-tune while the user paints on."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Annotate & fine-tune")
    live_for(2)
    widget.tools.new.click()
    layer = widget.session.layer
    layer.brush_size = 5

    def go_on(n: int) -> None:
        paint(viewer, layer, n, 1 if truth[n % 4, *spot(n)] == 0 else 2)

    for n in range(200):
        go_on(n)
    live(widget.panel.run_panel.run.isEnabled)
    widget.panel.unit.setCurrentIndex(widget.panel.unit.findText("steps"))
    widget.panel.length.setValue(steps)
    ticks.seen.clear()
    widget.panel.run_panel.run.click()
    live(lambda: widget.control.run is not None)
    live(lambda: widget.control.run is None, lambda n: go_on(200 + n))
    ticks.report("fine-tune, painting and changing slices")
    widget.control.close()
    widget.session.close()


def main() -> None:
    """Read the arguments, open the window, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--window", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), help="its size; napari's if not given"
    )
    arguments = parser.parse_args()
    print("| what | median (ms) | 99 % (ms) | longest (ms) | over 100 ms |\n|---|---:|---:|---:|---:|")
    for _ in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["NAPARI_UNETS_DATA"] = os.environ["NAPARI_UNETS_MODELS"] = folder
            image, truth = synthetic_em_stack(4, 512, seed=5)
            viewer = napari.Viewer(show=True)
            if arguments.window:
                viewer.window.resize(*arguments.window)
            viewer.add_image(image, name="sections")
            ticks = Ticks()
            live_for(3)
            nothing(viewer, ticks)
            segment(viewer, ticks)
            (Path(folder) / "inputs").mkdir()
            batch(viewer, ticks, Path(folder))
            tune(viewer, np.asarray(truth), ticks, arguments.steps)
            close_worker()
            viewer.close()


if __name__ == "__main__":
    main()
