"""What the widgets that run models have folded away: settings of the outputs, of the inference, and where it runs."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QFormLayout, QWidget

from napari_unets.inference.settings import InferenceSettings
from napari_unets.widgets.parts.fold import Fold
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.scheduler_choice import SchedulerChoice
from napari_unets.widgets.parts.settings_form import SettingsForm

__all__ = ["AdvancedSettings"]

_LABELS = {
    "backend": "Back end",
    "tta": "Average over 8 orientations",
    "scale": "Seen so many times as large",
    "tile": "Largest tile (px)",
    "halo": "Halo (px)",
    "batch": "Tiles at once",
    "threads": "CPU threads",
}


class AdvancedSettings(Fold):
    """Settings that most runs leave as they are.

    Parameters
    ----------
    output : SettingsForm
        The widget's own settings; they come first.
    scheduler_label : str
        Above the scheduler's address.
    more : SettingsForm
        Further settings of the widget's own; they come last.

    Attributes
    ----------
    output : SettingsForm
    inference : SettingsForm of InferenceSettings
        All but the device.
    scheduler : SchedulerChoice
    """

    def __init__(
        self, output: SettingsForm[Any], scheduler_label: str = "Dask scheduler", *more: SettingsForm[Any]
    ) -> None:
        inference = SettingsForm(InferenceSettings, leave_out=("device",), labels=_LABELS)
        scheduler = SchedulerChoice()
        page = QWidget()
        rows = QFormLayout(page)
        rows.setContentsMargins(0, 0, 0, 0)
        output.add_rows(rows)
        inference.add_rows(rows)
        for form in more:
            form.add_rows(rows)
        rows.addRow(Note(scheduler_label))
        rows.addRow(scheduler)  # below: an address needs the whole width
        super().__init__("Advanced settings", page)
        self.output, self.inference, self.scheduler = output, inference, scheduler
        self._rows = rows

    def add_below_scale(self, widget: QWidget) -> None:
        """Put what is about the scale below its row."""
        row, _ = self._rows.getWidgetPosition(self.inference["scale"].native)
        self._rows.insertRow(row + 1, widget)
