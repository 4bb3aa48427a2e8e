"""The demo's window: the sample, the Segment widget at work, the result with its scores.

``python -m napari_unets.widgets.demo FOLDER [--close]``, started by ``napari-unets demo``, which puts the sample into
the folder. With ``--close`` the window closes when everything is written.
"""

# Whatever is imported here is imported in the worker process too, since it begins by importing the main module again.
from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Labels
    from napari.utils.notifications import Notification

    from napari_unets.cli.demo_files import DemoFiles
    from napari_unets.widgets.segment.widget import SegmentWidget

__all__ = ["DemoWindow", "main"]

#: Time for the window to draw its last change before the picture is taken.
_DRAWING_MS = 500


class DemoWindow:
    """Runs the bundled model on the sample, as a user would.

    Parameters
    ----------
    files : DemoFiles
        Where the sample is, and where the results go.
    close : bool
        Close the window at the end, and when something fails.
    """

    def __init__(self, files: DemoFiles, *, close: bool) -> None:
        import napari
        from napari.utils.notifications import notification_manager

        from napari_unets.widgets.parts.docks import open_widget

        self.files = files
        self.failure: str | None = None
        self._close = close
        # Errors of slots come here too; without this the window would wait for ever.
        notification_manager.notification_ready.connect(self._watch)
        self.viewer: Viewer = napari.Viewer(title="napari-unets demo")
        self.viewer.window._qt_window.resize(1500, 930)
        self._add_layers()
        self.widget: SegmentWidget = open_widget(self.viewer, "Segment")

    def _add_layers(self) -> None:
        from napari_unets.images import open_stack
        from napari_unets.widgets.files.stack_layer import stack_layer_data

        data, keywords, _ = stack_layer_data(open_stack(self.files.image))
        self.viewer.add_image(data, **(keywords | {"name": "EM sample"}))
        data, keywords, _ = stack_layer_data(open_stack(self.files.truth), "labels")
        self.viewer.add_labels(data, **(keywords | {"name": "truth", "visible": False}))
        self.viewer.dims.set_point(0, 0)

    def start(self) -> None:
        """Choose the model and the whole stack, and press Run."""
        from napari_unets.cli.demo_files import DEMO_MODEL

        self.widget.model.choose(DEMO_MODEL)
        self.widget.scope.choose("stack")
        self.widget.run_ended.connect(self._ended)
        self.widget.run_panel.run.click()

    def _ended(self, complete: bool) -> None:
        from superqt.utils import create_worker

        from napari_unets.cli.demo_files import DEMO_MODEL
        from napari_unets.models import load_model

        self.widget.run_ended.disconnect(self._ended)  # what the user runs afterwards is his own
        if not complete:
            self._fail(f"the run did not come to its end: {self.widget.run_panel.message.text()}")
            return
        result = self._result()
        self.viewer.layers.selection.active = result
        self.viewer.text_overlay.text = "scoring …"
        self.viewer.text_overlay.visible = True
        create_worker(
            self.files.write_result,
            result.data,
            load_model(DEMO_MODEL),
            _connect={"returned": self._show_scores, "errored": lambda error: self._fail(str(error))},
        )

    def _result(self) -> Labels:
        """Layer that the run made."""
        from napari.layers import Labels

        from napari_unets.widgets.parts.result_layers import is_result

        return next(layer for layer in self.viewer.layers if isinstance(layer, Labels) and is_result(layer))

    def _show_scores(self, scores: dict[str, Any]) -> None:
        from qtpy.QtCore import QTimer

        self.viewer.text_overlay.text = (
            f"against the truth: V_rand {scores['v_rand']:.4f}, Dice {scores['dice']:.4f}, "
            f"pixel error {100 * scores['pixel_error']:.1f} %"
        )
        QTimer.singleShot(_DRAWING_MS, self._take_picture)

    def _take_picture(self) -> None:
        self.viewer.screenshot(str(self.files.screenshot), canvas_only=False, flash=False)
        if self._close:
            self.viewer.close()

    def _watch(self, notification: Notification) -> None:
        if notification.severity == "error":
            self._fail(notification.message)

    def _fail(self, reason: str) -> None:
        if self._close and self.failure is None:
            self.failure = reason
            self.viewer.close()


def main(arguments: list[str] | None = None) -> int:
    """Open the window; returns when it is closed, 1 if the run failed."""
    import napari

    from napari_unets.cli.demo_files import DemoFiles

    parser = argparse.ArgumentParser(prog="python -m napari_unets.widgets.demo", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--close", action="store_true")
    given = parser.parse_args(arguments)
    window = DemoWindow(DemoFiles(given.folder), close=given.close)
    window.start()
    try:
        napari.run()
    except KeyboardInterrupt:
        return 130
    if window.failure is not None:
        sys.stderr.write(f"{window.failure}\n")
    return int(window.failure is not None)


if __name__ == "__main__":
    sys.exit(main())
