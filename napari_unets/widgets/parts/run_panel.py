"""Run, Stop, how far it is, and what happened."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_unets.widgets.parts.notes import Mood, Note, time_in_words

__all__ = ["RunPanel"]

_STEPS = 1000  # of the bar


class RunPanel(QWidget):
    """Two buttons, a progress bar and a line of text.

    Parameters
    ----------
    verb : str
        What the button says: ``"Run"``, ``"Fine-tune"`` ...
    unit : str
        What progress counts, in the plural.
    """

    run_clicked = Signal()
    stop_clicked = Signal()

    def __init__(self, verb: str, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = unit
        self._begun = ""
        self.run = QPushButton(verb)
        self.run.setStyleSheet("font-weight: bold;")
        self.stop = QPushButton("Stop")
        self.stop.setEnabled(False)
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.bar.hide()
        self.message = Note()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.stop, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(buttons)
        layout.addWidget(self.bar)
        layout.addWidget(self.message)
        self.run.clicked.connect(self.run_clicked)
        self.stop.clicked.connect(self.stop_clicked)

    def start(self, message: str) -> None:
        """Show that work has begun of which nothing is known yet.

        An empty bar, not Qt's moving one: that one draws itself sixty times a second, and with it (see :meth:`fill`)
        all of napari's window. Where OpenGL is computed, this takes a whole core from what was begun.
        """
        self._begun = message
        self.run.setEnabled(False)
        self.stop.setEnabled(True)
        self.fill(0.0)
        self.bar.show()
        self.message.say(message)

    def wait(self, reason: str) -> None:
        """Show why it cannot begin yet; without a reason, what was said at the start."""
        self.say(reason or self._begun)

    def say(self, message: str) -> None:
        """Show what is going on, unless a stop was asked for, of which that is still said."""
        if self.stop.isEnabled():
            self.message.say(message)

    def progress(self, done: int, total: int, seconds_left: float | None, *, part: float = 0.0) -> None:
        """Show how much is done.

        Parameters
        ----------
        done, total : int
            In the panel's unit.
        seconds_left : float or None
            What is left, if that can be told.
        part : float
            How much is done of those that are worked on, in the same unit: for the bar alone.
        """
        self.fill((done + part) / total if total else 0.0)
        left = f" · about {time_in_words(seconds_left)} left" if seconds_left is not None and done < total else ""
        self.say(f"{done} of {total} {self._unit}{left}")

    def fill(self, fraction: float) -> None:
        """Fill the bar to a fraction.

        QProgressBar draws at once whatever it is told, and with it, for the canvas is beneath, all of napari's window;
        held back like this it is drawn together with what else has changed, and not at all if it has not.
        """
        value = round(_STEPS * fraction)
        if value == self.bar.value():
            return
        self.bar.setUpdatesEnabled(False)
        self.bar.setValue(value)
        self.bar.setUpdatesEnabled(True)

    def stopping(self) -> None:
        """Show that a stop was asked for."""
        self.stop.setEnabled(False)
        self.message.say("Stopping …")

    def finish(self, message: str, mood: Mood = "plain") -> None:
        """Show how it ended."""
        self.run.setEnabled(True)
        self.stop.setEnabled(False)
        self.bar.hide()
        self.message.say(message, mood)
