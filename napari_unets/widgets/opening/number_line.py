"""A line for a number, the same in every language."""

from __future__ import annotations

from qtpy.QtCore import QLocale
from qtpy.QtGui import QDoubleValidator, QValidator
from qtpy.QtWidgets import QLineEdit, QWidget

__all__ = ["NumberLine"]


class NumberLine(QLineEdit):
    """Takes a positive number; a decimal comma is taken for a point, and no thousands are marked.

    Parameters
    ----------
    highest : float
        Largest number.
    decimals : int
        Digits after the point, at most.
    """

    def __init__(self, highest: float, decimals: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setValidator(_PointValidator(0.0, highest, decimals, self))

    @property
    def number(self) -> float | None:
        """The number; None while there is none."""
        return float(self.text().replace(",", ".")) if self.text() and self.hasAcceptableInput() else None


class _PointValidator(QDoubleValidator):
    """Reads as Python does, not as the language of the desktop does, and writes a comma as a point."""

    def __init__(self, lowest: float, highest: float, decimals: int, parent: QLineEdit) -> None:
        super().__init__(lowest, highest, decimals, parent)
        locale = QLocale.c()
        locale.setNumberOptions(QLocale.NumberOption.RejectGroupSeparator)
        self.setLocale(locale)

    def validate(self, text: str | None, position: int) -> tuple[QValidator.State, str, int]:
        return super().validate((text or "").replace(",", "."), position)
