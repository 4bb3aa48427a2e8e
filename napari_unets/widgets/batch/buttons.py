"""What can be done with the rows of a batch."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

__all__ = ["BatchButtons"]


class BatchButtons(QWidget):
    """Four buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.open = QPushButton("Open result")
        self.open.setToolTip("The selected results, above their images, as layers; a double click does the same")
        self.remove = QPushButton("Remove")
        self.remove.setToolTip("Take the selected inputs out of the queue, or all if none is selected")
        self.retry = QPushButton("Retry failed")
        self.retry.setToolTip("Run the inputs that have failed once more, with the present settings")
        self.save = QPushButton("Save report …")
        self.save.setToolTip("What has become of each input, and why, as JSON")
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for place, button in enumerate((self.open, self.remove, self.retry, self.save)):
            layout.addWidget(button, place // 2, place % 2)
