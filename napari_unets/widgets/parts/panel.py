"""What all docked widgets of this package are: a column that scrolls where the window is too low for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from qtpy.QtCore import QEvent, QSize, Qt, Signal
from qtpy.QtGui import QCloseEvent, QShowEvent
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_unets.widgets.parts.wheel import WheelGuard

__all__ = ["Panel"]

_WIDTH = 330


class Panel(QScrollArea):
    """Scroll area whose :attr:`column` takes the parts from top to bottom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = _Inside()
        inside.width_changed.connect(self.updateGeometry)
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(8, 8, 8, 8)
        self.column.setSpacing(10)
        self.column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setWidget(inside)
        self._wheel = WheelGuard(inside)
        self._last_acts: list[Callable[[], None]] = []
        self.destroyed.connect(partial(_do_all, self._last_acts))  # with its window

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """By now the column is filled: leave the wheel to it."""
        self._wheel.look()
        super().showEvent(event)

    def when_closed(self, *acts: Callable[[], None]) -> None:
        """Do something when the panel is closed, taken out of its dock (napari's ✕), or goes with its window.

        Hiding, floating and docking are none of these. What is done then may be done more than once, and when Qt's
        part of the panel is gone already: it must bear both.
        """
        self._last_acts.extend(acts)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 - Qt's name
        """Notice that the dock was closed: napari then leaves its widget without a parent, and forgets it."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange and self.parent() is None:
            _do_all(self._last_acts)
            self.deleteLater()  # or it would follow the layers, unseen, for as long as Python keeps it

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Notice that the panel was closed where it is a window of its own."""
        _do_all(self._last_acts)
        super().closeEvent(event)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Wide enough to read beside a scroll bar, and as high as the contents."""
        inside = self.widget()
        return QSize(_WIDTH + self._beside, inside.sizeHint().height() if inside is not None else 0)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Never narrower than the contents: there is no horizontal scroll bar."""
        inside = self.widget()
        width = inside.minimumSizeHint().width() if inside is not None else 0
        return QSize(width + self._beside, 120)

    @property
    def _beside(self) -> int:
        """Width of what is beside the contents: the bar, and the frame that napari's themes draw."""
        bar = self.verticalScrollBar()
        return 2 * self.frameWidth() + (bar.sizeHint().width() if bar is not None else 0)


def _do_all(acts: list[Callable[[], None]], _panel: object = None) -> None:
    with ExitStack() as doing:  # all of them, also if one fails
        for act in reversed(acts):
            doing.callback(act)


class _Inside(QWidget):
    """The column, as low as it can be at its present width.

    Qt's own minimum is that of texts wrapped at the smallest width: much higher, so that it would be scrolled in vain.
    """

    #: The contents need another width than before.
    width_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._needed = 0

    def event(self, event: QEvent | None) -> bool:
        """Notice that a row has come or gone; Qt's scroll area tells nobody that it needs another width then."""
        done = super().event(event)
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            needed = self.minimumSizeHint().width()
            if needed != self._needed:
                self._needed = needed
                self.width_changed.emit()
        return done

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        hint = super().minimumSizeHint()
        layout = self.layout()
        if layout is None or not layout.hasHeightForWidth():
            return hint
        return QSize(hint.width(), layout.minimumHeightForWidth(max(self.width(), hint.width())))
