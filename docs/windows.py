"""A napari window that a script drives, for the pictures of the documentation."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import napari
from qtpy.QtWidgets import QApplication

from napari_unets.widgets.parts.session import close_worker

__all__ = ["picture_of", "wait", "window"]

PATIENCE = 600  # seconds


def wait(until: Callable[[], bool] = lambda: False, seconds: float = PATIENCE) -> bool:
    """Let the window live until something is so; says whether it is."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)
    return until()


@contextmanager
def window(width: int, height: int) -> Iterator[napari.Viewer]:
    """Open a window; at the end it goes, and the worker process with it."""
    viewer = napari.Viewer(show=True)
    viewer.window._qt_window.resize(width, height)
    yield viewer
    close_worker()
    viewer.close()


def picture_of(viewer: napari.Viewer, path: object) -> None:
    """Save the whole window as a picture."""
    viewer.window._qt_window.grab().save(str(path))
