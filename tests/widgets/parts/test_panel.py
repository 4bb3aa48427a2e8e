"""What runs in a panel ends when the panel is closed, in whichever way, and not when it is moved about."""

from __future__ import annotations

import pytest
from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton

from napari_unets.widgets.parts.panel import Panel

SOON = 20_000


@pytest.fixture
def docked(make_napari_viewer):
    """Make a viewer with a panel in it: gives viewer, dock, panel and how often it was closed."""

    def make():
        viewer, closed = make_napari_viewer(), []
        panel = Panel()
        panel.when_closed(lambda: closed.append(1))
        return viewer, viewer.window.add_dock_widget(panel, name="Panel"), panel, closed

    return make


def test_a_panel_grows_with_a_row_that_needs_more_width(qtbot, make_napari_viewer):
    viewer, panel, row = make_napari_viewer(show=True), Panel(), QPushButton("a row that comes later")
    panel.column.addWidget(row)
    row.hide()
    viewer.window.add_dock_widget(panel, name="Panel")
    qtbot.waitUntil(panel.isVisible, timeout=SOON)
    row.setMinimumWidth(panel.width() + 60)
    row.show()
    qtbot.waitUntil(lambda: panel.viewport().width() >= panel.widget().width() > row.minimumWidth(), timeout=SOON)
    row.setMinimumHeight(panel.height() + 60)
    qtbot.waitUntil(panel.verticalScrollBar().isVisible, timeout=SOON)
    assert panel.viewport().width() >= panel.widget().width(), "beside the bar, too"


def test_hiding_floating_docking_and_tabs_are_no_closing(qtbot, docked):
    viewer, dock, panel, closed = docked()
    other = viewer.window.add_dock_widget(Panel(), name="Other")
    viewer.window._qt_window.tabifyDockWidget(dock, other)
    dock.setFloating(True)
    QApplication.processEvents()
    dock.setFloating(False)
    viewer.window._qt_window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    dock.title.hide_button.click()
    assert not dock.isVisible()
    dock.show()
    QApplication.processEvents()
    assert isalive(panel)
    assert not closed


def test_the_cross_of_the_dock_closes(qtbot, docked):
    _, dock, panel, closed = docked()
    dock.title.close_button.click()
    assert closed
    qtbot.waitUntil(lambda: not isalive(panel), timeout=SOON)


def test_the_cross_closes_while_it_floats_too(qtbot, docked):
    _, dock, _, closed = docked()
    dock.setFloating(True)
    dock.title.close_button.click()
    assert closed


def test_a_window_that_is_closed_takes_its_panels_along(qtbot, docked):
    docked()
    viewer, _, _, closed = docked()
    viewer.close()
    qtbot.waitUntil(lambda: bool(closed), timeout=SOON)


def test_one_thing_that_fails_does_not_keep_the_others_from_being_done(qtbot):
    panel, done = Panel(), []
    qtbot.addWidget(panel)

    failures = iter([OSError("the disk is gone")])

    def fail():
        for error in failures:
            raise error

    panel.when_closed(lambda: done.append(1), fail, lambda: done.append(2))
    with qtbot.captureExceptions() as errors:
        panel.close()
    assert [str(error) for _, error, _ in errors] == ["the disk is gone"]
    assert done == [1, 2]
