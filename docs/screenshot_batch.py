"""Takes the picture of the Batch widget while it works: ``python docs/screenshot_batch.py PNG``.

A window is needed; ``tools/with-display python docs/screenshot_batch.py batch.png`` makes one.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from windows import picture_of, wait, window

from napari_unets.images import save_stack, synthetic_em_stack

STACKS = 6


def write_inputs(folder: Path) -> None:
    """Some stacks, and a file that is none."""
    for number in range(STACKS):
        image, _ = synthetic_em_stack(4, 512, seed=number)
        save_stack(folder / f"sections-{number}.tif", np.asarray(image), voxel_size_nm=(50, 4, 4))
    (folder / "sections-2.tif").write_bytes(b"II*\0not really an image")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        inputs, results = Path(temporary) / "inputs", Path(temporary) / "results"
        inputs.mkdir()
        os.environ["NAPARI_UNETS_DATA"] = os.environ["NAPARI_UNETS_MODELS"] = temporary
        write_inputs(inputs)
        with window(1280, 960) as viewer:
            _, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Batch")
            widget.sources.line.setText(str(inputs / "*.tif"))
            widget.sources.add.click()
            wait(lambda: widget.rows.rowCount() == STACKS)
            widget.outputs.folder.setText(str(results))
            wait(lambda: "Looking" not in widget.device.reason.text())
            widget.run_panel.run.click()
            if not wait(lambda: len(widget.rows.numbers("done")) > 1):
                sys.exit(f"nothing was done: {widget.run_panel.message.text()}")
            widget.open_result(0)
            widget.table.view.selectRow(2)
            wait(lambda: len(viewer.layers) > 1)
            wait(lambda: any(0.3 < row.fraction < 0.8 for row in widget.rows.rows if row.status == "running"), 20)
            picture_of(viewer, sys.argv[1])
            widget.run_panel.stop.click()
            wait(lambda: not widget.control.is_busy)


if __name__ == "__main__":
    main()
