"""Choose where the model runs; when that is the CPU, the line below says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget

from napari_unets.widgets.parts.inquiry import Devices
from napari_unets.widgets.parts.notes import Note

if TYPE_CHECKING:
    from napari_unets.widgets.parts.scheduler_choice import SchedulerChoice

__all__ = ["DeviceChoice"]

_SEARCH = "Looking for a GPU …"


class DeviceChoice(QWidget):
    """Combo box of the worker's devices and what ``auto`` means here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.box = QComboBox()
        self.box.addItem("automatic", "auto")
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reason = Note(_SEARCH)
        self._scheduler: SchedulerChoice | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.box)
        layout.addWidget(self.reason)

    @property
    def device(self) -> str:
        """What to ask the inference for."""
        return str(self.box.currentData())

    def follow(self, scheduler: SchedulerChoice) -> None:
        """Show what the chosen machine has, now and whenever another one is chosen."""
        self._scheduler = scheduler
        scheduler.asking.connect(self._show_search)
        scheduler.waiting.connect(self._show_search)
        scheduler.answered.connect(self._show_devices)
        scheduler.failed.connect(self._show_failure)
        scheduler.ask()

    def _show_search(self, waits: str = "") -> None:
        self.reason.say(waits or _SEARCH)

    def _show_devices(self, devices: Devices) -> None:
        chosen = self.device
        self.box.clear()
        for name in devices.names:
            self.box.addItem(f"automatic ({devices.chosen})" if name == "auto" else name, name)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)))
        self.reason.say(devices.reason, "warning" if devices.chosen == "cpu" else "good")

    def _show_failure(self, error: Exception) -> None:
        if self._scheduler is None or self._scheduler.address is None:
            self.reason.say(str(error), "error")
        else:
            self.reason.say("Unknown: no answer from the Dask scheduler, see the advanced settings.", "warning")
