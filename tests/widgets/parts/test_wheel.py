"""The wheel scrolls a panel and changes nothing in it."""

from __future__ import annotations

import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QComboBox, QDoubleSpinBox, QLabel, QSpinBox

from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.score_plot import Curve, ScorePlot


def turn_wheel(over, notches=-1):
    """Turn the wheel over a widget; what it ignores goes to its parents, as Qt does it with real wheels alone."""
    while over is not None:
        middle = QPointF(over.rect().center())
        event = QWheelEvent(
            middle,
            over.mapToGlobal(middle),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        if QApplication.sendEvent(over, event) and event.isAccepted():
            return
        over = over.parentWidget()


@pytest.fixture
def panel(qtbot):
    made = Panel()
    qtbot.addWidget(made)
    choice = QComboBox()
    choice.addItems(["one", "two", "three"])
    for field in (choice, QSpinBox(), QDoubleSpinBox()):
        made.column.addWidget(field)
    high = QLabel("high")
    high.setFixedHeight(1000)
    made.column.addWidget(high)
    made.resize(300, 200)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.mark.parametrize("kind", [QComboBox, QSpinBox, QDoubleSpinBox])
def test_the_wheel_over_a_field_scrolls_the_panel(panel, kind):
    field = panel.findChild(kind)
    panel.setFocus()
    before = field.currentText() if kind is QComboBox else field.value()
    turn_wheel(field)
    assert (field.currentText() if kind is QComboBox else field.value()) == before
    assert not field.hasFocus()
    assert panel.verticalScrollBar().value() > 0


def test_a_list_that_was_used_is_not_changed_and_a_number_that_was_clicked_is(qtbot, panel):
    choice, number = panel.findChild(QComboBox), panel.findChild(QSpinBox)
    panel.activateWindow()
    choice.setFocus()
    turn_wheel(choice)
    assert choice.currentText() == "one"
    number.setFocus()
    qtbot.waitUntil(number.hasFocus)
    turn_wheel(number, 1)
    assert number.value() == 1


def test_the_wheel_over_a_plot_scrolls_the_panel_and_does_not_zoom(qtbot, panel):
    plot = ScorePlot(ViewerModel())
    panel.column.insertWidget(0, plot)
    plot.show_curves([Curve("#ff0000", [0, 1, 2], [0.1, 0.5, 0.2])], "slice", "Dice")
    qtbot.wait(20)
    before = plot.viewRange()
    turn_wheel(plot.viewport())
    assert plot.viewRange() == before
    assert panel.verticalScrollBar().value() > 0
