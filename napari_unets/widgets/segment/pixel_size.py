"""Compare an image's pixels with those that a model has learnt from."""

from __future__ import annotations

from collections.abc import Callable
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
    #: The button was pressed after that: bright and dark are to be exchanged.
    exchange_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._ask: Callable[[], None] = self.search_asked.emit
        self.note = Note()
        self.button = QPushButton()
        self.button.clicked.connect(lambda: self._ask())
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
            said = f"Pixels of unknown size; the model learnt from {known:g} nm."
            self._offer("Find the scale from the image", self.search_asked.emit, said)
            return
        if size is None or known is None:
            self._offer_scale(None if scale == 1 else 1.0, seen)
            return
        fitting = fitting_scale(size, known)
        if scale == fitting or not is_far_from(size / scale, known):
            self._offer_scale(None, seen)
        else:
            said = f"Pixels of {size:g} nm; the model learnt from {known:g} nm."
            self._offer_scale(fitting, f"{said} {seen}".rstrip(), "warning")

    def offer_exchange(self) -> None:
        """Say that a search has found bright and dark exchanged, and offer a layer in which they are not."""
        said = "The model knows such images only with bright and dark exchanged."
        self._offer("Exchange them in a new layer", self.exchange_asked.emit, said, "warning")

    def _offer_scale(self, scale: float | None, said: str, mood: Mood = "plain") -> None:
        """Say something, and offer another scale or none."""
        if scale is None:
            self.note.say(said, mood)
            self.button.setVisible(False)
            self.setVisible(bool(said))
            return
        how = "as it is" if scale == 1 else f"{scale:g} times as large"
        self._offer(f"Let it see the image {how}", lambda: self.asked.emit(scale), said, mood)

    def _offer(self, button: str, ask: Callable[[], None], said: str, mood: Mood = "plain") -> None:
        """Say something, and offer what helps."""
        self.note.say(said, mood)
        self._ask = ask
        self.button.setText(button)
        self.button.setVisible(True)
        self.setVisible(bool(said))
