"""Show what is written into the arrays of layers, at the pace that the window can bear."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_unets.widgets.parts.result_layers import ResultLayer
from napari_unets.widgets.parts.view import current_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel

__all__ = ["LiveLayers"]

_INTERVAL_MS = 100
#: Redrawing takes at most this share of the window's time.
_SHARE = 0.1


class LiveLayers(QObject):
    """Redraws result layers while another thread writes into their arrays.

    Only the plane on the canvas is drawn again, only if something was written to it, at most ten times
    a second, and more seldom where drawing takes long. In 3-D, where the whole volume would have
    to be sent to the graphics card, that is left to the end.

    Parameters
    ----------
    viewer : ViewerModel
        Shows the layers.
    results : sequence of ResultLayer
        What is written to. Layers that the user removes are left out.
    """

    def __init__(self, viewer: ViewerModel, results: Sequence[ResultLayer], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._results = results
        self._written: set[int] = set()
        self._lock = threading.Lock()
        self._rest_until = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._draw)
        self._timer.start()

    @property
    def any_left(self) -> bool:
        """Whether at least one of the layers is still in the viewer."""
        return any(result.layer in self._viewer.layers for result in self._results)

    def wrote(self, plane: int) -> None:
        """Note that a plane has changed; from any thread."""
        with self._lock:
            self._written.add(plane)

    def finish(self) -> None:
        """Draw everything once more, thumbnails included, and stop."""
        self._timer.stop()
        for result in self._results:
            if result.layer in self._viewer.layers:
                result.layer.refresh(extent=False)

    def _draw(self) -> None:
        if time.monotonic() < self._rest_until or self._viewer.dims.ndisplay == 3:
            return
        with self._lock:
            written, self._written = self._written, set()
        begun = time.monotonic()
        for result in self._results:
            layer = result.layer
            if layer not in self._viewer.layers or not layer.visible:
                continue
            if current_plane(self._viewer, layer, result.shape) in written:
                layer.refresh(thumbnail=False, highlight=False, extent=False)
        took = time.monotonic() - begun
        self._rest_until = begun + took / _SHARE
