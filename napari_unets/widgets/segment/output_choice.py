"""What a run shall make: any of segmentation, probabilities, instances."""

from __future__ import annotations

from typing import get_args

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_unets.jobs.tasks.segmentation import Output

__all__ = ["OutputChoice"]

_TIPS: dict[Output, str] = {
    "segmentation": "Labels of class ids, in the classes' colours",
    "probabilities": "Image of the probability of class 1 (with more than two classes: of each)",
    "instances": "Labels of the objects that class 1 separates, slice by slice",
}


class OutputChoice(QWidget):
    """A check box for each output."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.boxes: dict[Output, QCheckBox] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for output in get_args(Output):
            box = QCheckBox(output.capitalize())
            box.setToolTip(_TIPS[output])
            self.boxes[output] = box
            layout.addWidget(box)
        self.boxes["segmentation"].setChecked(True)

    @property
    def outputs(self) -> list[Output]:
        """What is checked."""
        return [output for output, box in self.boxes.items() if box.isChecked()]
