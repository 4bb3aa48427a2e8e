"""Buttons and texts around the annotations."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_unets.images.plane_names import plane_name
from napari_unets.widgets.parts.notes import Note

if TYPE_CHECKING:
    from napari_unets.models import ClassInfo
    from napari_unets.widgets.annotate.autosave import Saved

__all__ = ["AnnotateTools", "RestoreOffer"]

_SLICES_NAMED = 8


class AnnotateTools(QWidget):
    """What can be done with annotations, and what is painted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.new = _button("New annotations", "An empty layer to paint on: keys 1, 2, … choose a class, 0 erases")
        self.add_class = _button("Add class …", "A class that the model does not know yet")
        self.from_prediction = _button(
            "From prediction", "Fill what is not painted of this slice with the model's segmentation, to be corrected"
        )
        self.export = _button("Export …", "Save the annotations as TIFF or OME-Zarr")
        self.suggest_slice = _button("Suggest a slice", "Go to the slice of which the model is least sure")
        self.suggest_spot = _button("Suggest a spot", "Go to the part of this slice of which the model is least sure")
        self.stop = _button("Stop", "End what the model is asked for")
        self.stop.hide()
        self.counts = Note()
        self.message = Note()
        grid = QGridLayout()
        grid.setSpacing(4)
        rows = (
            (self.new, self.add_class),
            (self.from_prediction, self.export),
            (self.suggest_slice, self.suggest_spot),
        )
        for row, buttons in enumerate(rows):
            for column, button in enumerate(buttons):
                grid.addWidget(button, row, column)
                grid.setColumnStretch(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(self.message)
        layout.addWidget(self.stop)
        layout.addWidget(self.counts)

    def enable(self, *, new: bool, paint: bool, model: bool) -> None:
        """Enable what makes sense: ``paint`` if there are annotations, ``model`` if a model may run."""
        self.new.setEnabled(new)
        for button in (self.add_class, self.export):
            button.setEnabled(paint)
        for button in (self.from_prediction, self.suggest_slice, self.suggest_spot):
            button.setEnabled(paint and model)

    def show_counts(
        self, counts: Mapping[int, Mapping[int, int]], classes: Sequence[ClassInfo], before: tuple[int, ...]
    ) -> None:
        """Say how many pixels of each class are painted, and where: on planes counted over the axes ``before`` y."""
        lines = []
        for c in classes:
            slices = [plane_name(number, before) for number, plane in counts.items() if plane.get(c.id)]
            pixels = sum(plane.get(c.id, 0) for plane in counts.values())
            where = f" on {'slice' if len(slices) == 1 else 'slices'} {_listed(slices)}" if slices else ""
            key = f" [key {c.id}]" if c.id <= 9 else ""
            lines.append(
                f'<span style="color:{c.color}">■</span> {escape(c.name)}{key}: '
                f"{f'{pixels:,} px{where}' if pixels else 'nothing yet'}"
            )
        self.counts.say("<br>".join(lines), rich=True)


class RestoreOffer(QWidget):
    """Annotations of an earlier session, and whether they are wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = Note()
        self.restore = _button("Restore", "Put them into a layer")
        self.discard = _button("Discard", "Delete them for good")
        buttons = QHBoxLayout()
        buttons.addWidget(self.restore)
        buttons.addWidget(self.discard)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.note)
        layout.addLayout(buttons)
        self.saved: Saved | None = None
        self.offer(None)

    def offer(self, saved: Saved | None) -> None:
        """Offer annotations, or nothing."""
        self.saved = saved
        if saved is not None:
            when = time.strftime("%d %b, %H:%M", time.localtime(saved.when))
            self.note.say(f"Annotations of {saved.image} from {when} were kept: {saved.pixels:,} pixels.", "warning")
        self.setVisible(saved is not None)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _listed(names: Sequence[str]) -> str:
    named = ", ".join(names[:_SLICES_NAMED])
    return named if len(names) <= _SLICES_NAMED else f"{named} and {len(names) - _SLICES_NAMED} more"
