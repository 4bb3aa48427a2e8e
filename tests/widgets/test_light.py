"""The window's process leaves torch to the worker: importing it would stop the window for seconds."""

from __future__ import annotations

import subprocess
import sys


def test_the_widgets_import_no_torch():
    program = (
        "import sys, napari_unets.widgets.segment.widget, napari_unets.widgets.opening.widget, "
        "napari_unets.widgets.evaluate.widget;"
        "print(*(name for name in ('torch', 'openvino', 'distributed') if name in sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
