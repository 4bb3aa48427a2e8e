"""Choose where the model runs; when that is the CPU, the line below says why."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget

from napari_unets.widgets.parts.inquiry import Devices
from napari_unets.widgets.parts.notes import Note

__all__ = ["DeviceChoice"]


class DeviceChoice(QWidget):
    """Combo box of the worker's devices and what ``auto`` means here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QComboBox()
        self.box.addItem("automatic", "auto")
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reason = Note("Looking for a GPU …")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.reason)

    @property
    def device(self) -> str:
        """What to ask the inference for."""
        return str(self.box.currentData())

    def show_search(self) -> None:
        """Say that a worker is being asked."""
        self.reason.say("Looking for a GPU …")

    def show_devices(self, devices: Devices) -> None:
        """List what the worker process has found; the choice is kept."""
        chosen = self.device
        self.box.clear()
        for name in devices.names:
            self.box.addItem(f"automatic ({devices.chosen})" if name == "auto" else name, name)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)))
        self.reason.say(devices.reason, "warning" if devices.chosen == "cpu" else "good")

    def show_failure(self, error: Exception) -> None:
        """Say that the worker process could not be asked."""
        self.reason.say(str(error), "error")
