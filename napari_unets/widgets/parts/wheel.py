"""The wheel over a panel scrolls the panel, and changes nothing in it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QWidget

__all__ = ["WheelGuard"]


class WheelGuard(QObject):
    """Leaves the wheel to what is beneath lists and number fields; a number field takes it once it was clicked.

    Parameters
    ----------
    inside : QWidget
        Whose lists and number fields to guard.
    """

    def __init__(self, inside: QWidget) -> None:
        super().__init__(inside)
        self._inside = inside

    def look(self) -> None:
        """Guard all that are there now."""
        fields = [*self._inside.findChildren(QComboBox), *self._inside.findChildren(QAbstractSpinBox)]
        for field in fields:
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # by default the wheel gives the focus, too
            field.installEventFilter(self)  # Qt keeps one that is there already only once

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Hand the wheel on; a list stays focused after the choice, and is no more meant by the wheel than before."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QAbstractSpinBox) and watched.hasFocus():
            return False
        event.ignore()
        return True
