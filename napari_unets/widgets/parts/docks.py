"""Open one of this package's widgets from another one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from npe2 import PluginManager
from qtpy.QtWidgets import QDockWidget

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["open_widget"]

_PLUGIN = "napari-unets"


def open_widget(viewer: Viewer, name: str) -> Any:
    """Bring a widget of this package to the front; one that is not open is opened as napari's menu does it.

    napari's own ``add_plugin_dock_widget`` calls its docks otherwise than the menu does, so that each of the two opens
    a second widget beside the other's.

    Parameters
    ----------
    viewer : Viewer
        In whose window.
    name : str
        As it is called in the menu: ``"Segment"`` ...

    Returns
    -------
    widget : Panel
        The widget.
    """
    plugins = PluginManager.instance()
    kind: Any = next(
        one.get_callable() for one in plugins.iter_widgets() if (one.plugin_name, one.display_name) == (_PLUGIN, name)
    )
    widget = next((one for one in viewer.window.dock_widgets.values() if isinstance(one, kind)), None)
    if widget is None:
        widget = kind(viewer)
        viewer.window.add_dock_widget(widget, name=f"{name} ({plugins.get_manifest(_PLUGIN).display_name})")
    dock = widget
    while not isinstance(dock, QDockWidget):
        dock = dock.parent()
    dock.show()  # it may be hidden,
    dock.raise_()  # or behind another tab
    return widget
