"""A napari that paints, learns, and is killed in the middle of it; started by the tests of the Annotate widget."""

from __future__ import annotations

import os
import signal
import sys
import time

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_unets.widgets.annotate.widget import AnnotateWidget


def wait_until(true, seconds=100):
    """Let the window live until something has happened."""
    end = time.monotonic() + seconds
    while not true():
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() > end:
            sys.exit("it never happened")


def main():
    """Paint two strokes, learn until there is a checkpoint, die."""
    viewer = napari.Viewer(show=False)
    viewer.add_image(np.load(sys.argv[1]), name="sections")
    widget = AnnotateWidget(viewer)
    widget.model.choose("tiny")
    for name, value in {"patch": 32, "batch": 1}.items():
        widget.panel.form.set(name, value)
    widget.tools.new.click()
    layer = widget.session.layer
    layer.brush_size = 5
    for column in range(40, 110, 3):
        layer.paint((1, 45, column), 1)
        layer.paint((1, 10, column), 2)
    wait_until(lambda: widget.session.record.is_settled and widget.session.record.counts)
    widget.session._saves[widget.session.layer].wait()
    widget.panel.unit.setCurrentText("steps")
    widget.panel.length.setValue(5000)
    widget.panel.run_panel.run.click()
    wait_until(lambda: widget.control.run.last is not None and widget.control.run.last.step >= 12)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
