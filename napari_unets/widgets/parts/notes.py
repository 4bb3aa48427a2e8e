"""Short texts in a widget: explanations, warnings and errors."""

from __future__ import annotations

from typing import Literal

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

from napari_unets.widgets.parts.tones import tone_colour

__all__ = ["Note", "time_in_words"]

Mood = Literal["plain", "good", "warning", "error"]


class Note(QLabel):
    """A text that wraps, can be selected with the mouse, and takes no room while it is empty."""

    def __init__(self, text: str = "", mood: Mood = "plain", parent: QWidget | None = None) -> None:
        self._mood: Mood = "plain"  # Qt asks for it while it makes the label
        super().__init__(parent)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.setWordWrap(True)
        self._said = ("", False)
        self.say(text, mood)

    def say(self, text: str, mood: Mood = "plain", *, rich: bool = False) -> None:
        """Show a text, or nothing; only ``rich`` text is read as HTML."""
        if (text, rich) != self._said:  # a text that is set is drawn, and all of napari's window with it
            self._said = text, rich
            self.setTextFormat(Qt.TextFormat.RichText if rich else Qt.TextFormat.PlainText)
            self.setText(text)
        if mood != self._mood:  # polishing a widget takes long enough to be felt
            self._mood = mood
            self._colour()
        self.setVisible(bool(text))

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._colour()

    def _colour(self) -> None:
        style = "" if self._mood == "plain" else f"color: {tone_colour(self._mood, self.palette())};"
        if style != self.styleSheet():
            self.setStyleSheet(style)


def time_in_words(seconds: float) -> str:
    """Round a duration as a person would: ``"8 s"``, ``"3 min"``, ``"2 h 10 min"``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
