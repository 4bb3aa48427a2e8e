"""Takes the picture of the Annotate & fine-tune widget while it learns: ``python docs/screenshot_annotate.py PNG``.

A window is needed; ``tools/with-display python docs/screenshot_annotate.py annotate.png`` makes one.
"""

import os
import sys
import tempfile

import napari
import numpy as np
from windows import picture_of, wait, window

from napari_unets.images import synthetic_em_stack

STROKES = 30


def paint(layer: napari.layers.Labels, truth: np.ndarray, plane: int) -> None:
    """Strokes along x, as far as the class goes."""
    rng = np.random.default_rng(0)
    layer.brush_size = 5
    for _ in range(STROKES):
        y, x = rng.integers(20, np.array(truth.shape[1:]) - 40)
        layer.selected_label = class_id = 1 if truth[plane, y, x] == 0 else 2
        for column in range(x, x + 30):
            if (truth[plane, y, column] == 0) != (class_id == 1):
                break
            layer.paint((plane, y, column), class_id)


def has_preview(viewer: napari.Viewer) -> bool:
    """Whether a first preview was drawn."""
    return any("preview" in layer.name and np.asarray(layer.data[1]).any() for layer in viewer.layers)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_UNETS_DATA"] = os.environ["NAPARI_UNETS_MODELS"] = folder
        image, truth = synthetic_em_stack(4, 512, seed=5)
        with window(1280, 860) as viewer:
            viewer.add_image(image, name="sections")
            _, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Annotate & fine-tune")
            wait(seconds=3)
            widget.tools.new.click()
            viewer.dims.set_current_step(0, 1)
            paint(widget.session.layer, np.asarray(truth), 1)
            wait(lambda: widget.panel.run_panel.run.isEnabled() and "here: about" in widget.panel.preflight.text())
            widget.panel.length.setValue(1)
            widget.panel.run_panel.run.click()
            if not wait(lambda: has_preview(viewer)):
                sys.exit(f"no preview came: {widget.panel.run_panel.message.text()}")
            wait(seconds=25)
            picture_of(viewer, sys.argv[1])
            widget.panel.run_panel.stop.click()
            wait(lambda: widget.control.run is None)
            widget.control.close()
            widget.session.close()


if __name__ == "__main__":
    main()
