"""Takes the picture of a scanned document and its clean pages: ``python docs/screenshot_documents.py PNG``.

A window is needed; ``tools/with-display python docs/screenshot_documents.py documents.png`` makes one. Without
``--scans``, two stained pages are made up. The scan is on the left, the page of the clean PDF that the Segment widget
has saved of it on the right.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import napari
from windows import picture_of, wait, window

from napari_unets.images import create_page_writer, synthetic_page
from napari_unets.widgets.files.readers import read_stack


def made_up(path: Path) -> Path:
    with create_page_writer(path) as document:
        for seed in (0, 1):
            document.write(synthetic_page(seed=seed).image, dpi=(200, 200))
    return path


def show(viewer: napari.Viewer, path: Path, name: str) -> napari.layers.Layer:
    data, keywords, kind = read_stack(str(path))[0]
    return viewer.add_layer(napari.layers.Layer.create(data, {**keywords, "name": name}, kind))


def clean(viewer: napari.Viewer, model: str, target: Path, *, colour: bool) -> None:
    """Press Run in the Segment widget, then save its clean pages."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-unets", "Segment")
    wait(seconds=2)
    widget.model.choose(model)
    widget.scope.choose("stack")
    widget.run_panel.run.click()
    if not wait(lambda: widget.run_panel.bar.isHidden()) or "tile" not in widget.run_panel.message.text():
        sys.exit(f"the run did not come to its end: {widget.run_panel.message.text()}")
    widget.clean.colour.setChecked(colour)
    widget.clean.save(target)
    if not wait(lambda: widget.clean.panel.bar.isHidden() and target.exists()):
        sys.exit(f"the clean pages were not saved: {widget.clean.panel.message.text()}")


def zoom(viewer: napari.Viewer, factor: float, where: tuple[float, float]) -> None:
    """Show both pages so many times larger, around a place given in parts of their height and width."""
    (top, left), (bottom, right) = viewer.layers[0].extent.world[:, -2:]
    viewer.scene.camera.center = (top + where[0] * (bottom - top), left + where[1] * (right - left))
    viewer.scene.camera.zoom *= factor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--scans", type=Path, help="a document; by default two made-up pages")
    parser.add_argument("--model", default="document-ink")
    parser.add_argument("--output", type=Path, help="keep the clean pages here")
    parser.add_argument("--page", type=int, default=1)
    parser.add_argument("--colour", action="store_true", help="the ink keeps its colour")
    parser.add_argument("--zoom", type=float, default=2.5, help="1 shows the whole page")
    parser.add_argument("--at", type=float, nargs=2, default=(0.3, 0.5), help="where, in parts of the page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scans = given.scans or made_up(Path(folder) / "scans.pdf")
        target = given.output or Path(folder) / "clean.pdf"
        with window(1500, 900) as viewer:
            show(viewer, scans, scans.stem)
            clean(viewer, given.model, target, colour=given.colour)
            for layer in viewer.layers[1:]:
                layer.visible = False
            cleaned = show(viewer, target, target.stem)
            viewer.layers.move(viewer.layers.index(cleaned), 1)
            viewer.canvas.grid.enabled = True
            viewer.canvas.grid.stride = 1
            viewer.canvas.grid.shape = (1, 2)
            viewer.dims.set_point(0, given.page - 1)
            viewer.reset_view()
            wait(seconds=2)
            zoom(viewer, given.zoom, given.at)
            wait(seconds=3)
            picture_of(viewer, given.picture)


if __name__ == "__main__":
    main()
