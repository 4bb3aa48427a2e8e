"""A part of a widget that is folded away until somebody wants it."""

from __future__ import annotations

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QSizePolicy, QWidget
from superqt import QCollapsible

__all__ = ["Fold"]


class Fold(QCollapsible):
    """Collapsible in napari's colours: a line with an arrow, at once open and at once closed."""

    def __init__(self, title: str, inside: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(title, parent, expandedIcon=QIcon(), collapsedIcon=QIcon())
        self._title = title
        self.setDuration(0)
        button = self.toggleButton()
        button.setStyleSheet(
            "QPushButton, QPushButton:checked { text-align: left; border: none; background: transparent; }"
            "QPushButton:hover { text-decoration: underline; }"
        )
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # a long title is cut off
        for part, left in ((self, 0), (self.content(), 12)):
            if (layout := part.layout()) is not None:
                layout.setContentsMargins(left, 0, 0, 0)
        self.addWidget(inside)
        self.toggled.connect(self._turn_arrow)
        self._turn_arrow(False)

    def rename(self, title: str) -> None:
        """Give it another title."""
        self._title = title
        self._turn_arrow(self.isExpanded())

    def _turn_arrow(self, expanded: bool) -> None:
        self.setText(f"{'▾' if expanded else '▸'}  {self._title}")
