"""What to run on: the current slice, what is visible of it, or the whole stack."""

from __future__ import annotations

from typing import Literal, get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

__all__ = ["Scope", "ScopeChoice"]

Scope = Literal["slice", "view", "stack"]

_WORDS: dict[Scope, tuple[str, str]] = {
    "slice": ("Slice", "The slice that the viewer shows, all of it"),
    "view": ("Visible part", "What of this slice is on the canvas: zoom in for a quick try"),
    "stack": ("Whole stack", "Every slice, the nearest first"),
}


class ScopeChoice(QWidget):
    """Three buttons of which one is pressed."""

    scope_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Scope, QPushButton] = {}
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for scope in get_args(Scope):
            text, tip = _WORDS[scope]
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(tip)
            self._group.addButton(button)
            self.buttons[scope] = button
            layout.addWidget(button, 1)
            button.toggled.connect(self._toggled)
        self.buttons["slice"].setChecked(True)

    @property
    def scope(self) -> Scope:
        """The one that is pressed."""
        return next(scope for scope, button in self.buttons.items() if button.isChecked())

    def choose(self, scope: Scope) -> None:
        """Press a button."""
        self.buttons[scope].setChecked(True)

    def _toggled(self, checked: bool) -> None:
        if checked:
            self.scope_changed.emit(self.scope)
