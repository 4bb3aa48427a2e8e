"""Compare an image's pixels with those that a model has learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_unets.inference.settings import fitting_scale, is_far_from
from napari_unets.widgets.parts.notes import Mood, Note
from napari_unets.widgets.parts.world import pixel_size_nm

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_unets.models import ModelCard

__all__ = ["PixelSizeAdvice"]


class PixelSizeAdvice(QWidget):
    """Says when an image's pixels are of another size than those a model knows, or of none; a button makes up for it.

    Attributes
    ----------
    note : Note
        The warning, or that the model already sees the image larger or smaller than it is.
    button : QPushButton
        Asks for the scale at which the model sees pixels as large as those that it has learnt from, or, where the
        image does not say how large its own are, for a search for it.
    """

    #: The button was pressed: how many times as large the model shall see the image.
    asked = Signal(float)
    #: The button was pressed where nobody knows: the scale is to be found from the image.
    search_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._scale: float | None = 1.0
        self.note = Note()
        self.button = QPushButton()
        self.button.clicked.connect(self._ask)
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
        if size is None and known is not None and layer is not None and scale == 1:
            self._offer_search(f"Pixels of unknown size; the model learnt from {known:g} nm.")
            return
        if size is None or known is None:
            self._offer(None if scale == 1 else 1.0, seen)
            return
        fitting = fitting_scale(size, known)
        if scale == fitting or not is_far_from(size / scale, known):
            self._offer(None, seen)
        else:
            said = f"Pixels of {size:g} nm; the model learnt from {known:g} nm."
            self._offer(fitting, f"{said} {seen}".rstrip(), "warning")

    def _ask(self) -> None:
        if self._scale is None:
            self.search_asked.emit()
        else:
            self.asked.emit(self._scale)

    def _offer_search(self, said: str) -> None:
        """Say something, and offer to find the scale from the image."""
        self.note.say(said)
        self._scale = None
        self.button.setText("Find the scale from the image")
        self.button.setVisible(True)
        self.setVisible(True)

    def _offer(self, scale: float | None, said: str, mood: Mood = "plain") -> None:
        """Say something, and offer another scale or none."""
        self.note.say(said, mood)
        if scale is not None:
            self._scale = scale
            how = "as it is" if scale == 1 else f"{scale:g} times as large"
            self.button.setText(f"Let it see the image {how}")
        self.button.setVisible(scale is not None)
        self.setVisible(bool(said))
