"""Do one-time work of napari's label layers before the first of them is shown."""

from __future__ import annotations

import importlib
import threading

__all__ = ["warm_up"]


def warm_up() -> None:
    """Import in the background what napari imports for its first label layer.

    That is pandas: most of a second in which the window would stand still just when the user has
    pressed Run. Making a layer here would do still more, but napari's units are not safe to be
    set up by two threads.
    """
    threading.Thread(target=importlib.import_module, args=("pandas",), name="napari-unets warm-up", daemon=True).start()
