"""Compare an image's pixels with those that a model has learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_unets.inference.settings import fitting_scale
from napari_unets.widgets.parts.notes import Mood, Note
from napari_unets.widgets.parts.world import pixel_size_nm

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unets.models import ModelCard

__all__ = ["PixelSizeAdvice"]

#: Beyond this factor cells look too large or too small to the model.
_FACTOR = 1.5


class PixelSizeAdvice(QWidget):
    """Says when an image's pixels are of another size than those a model knows; a button makes up for it.

    Attributes
    ----------
    note : Note
        The warning, or that the model already sees the image larger or smaller than it is.
    button : QPushButton
        Asks for the scale at which the model sees pixels as large as those that it has learnt from.
    """

    #: The button was pressed: how many times as large the model shall see the image.
    asked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._scale = 1.0
        self.note = Note()
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self.asked.emit(self._scale))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.note)
        layout.addWidget(self.button)
        self.setVisible(False)

    def show_for(self, layer: Layer | None, card: ModelCard | None, scale: float) -> None:
        """Say what there is to say about a layer and a model that sees it ``scale`` times as large."""
        size = None if layer is None else pixel_size_nm(layer)
        known = None if card is None else card.pixel_size_nm
        seen = "" if scale == 1 else f"The model sees it {scale:g} times as large."
        if size is None or known is None:
            self._offer(None if scale == 1 else 1.0, seen)
            return
        fitting = fitting_scale(size, known)
        if 1 / _FACTOR <= size / scale / known <= _FACTOR or scale == fitting:
            self._offer(None, seen)
        else:
            said = f"Pixels of {size:g} nm; the model learnt from {known:g} nm."
            self._offer(fitting, f"{said} {seen}".rstrip(), "warning")

    def _offer(self, scale: float | None, said: str, mood: Mood = "plain") -> None:
        """Say something, and offer another scale or none."""
        self.note.say(said, mood)
        if scale is not None:
            self._scale = scale
            how = "as it is" if scale == 1 else f"{scale:g} times as large"
            self.button.setText(f"Let it see the image {how}")
        self.button.setVisible(scale is not None)
        self.setVisible(bool(said))
