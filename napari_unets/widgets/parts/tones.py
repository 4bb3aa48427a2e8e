"""Colours of texts that mean something, to be read on napari's dark and light themes."""

from __future__ import annotations

from typing import Literal

from qtpy.QtGui import QPalette

__all__ = ["Tone", "tone_colour"]

Tone = Literal["good", "warning", "error", "faint"]

#: On dark and on light; no colour has a contrast of 4.5 to both (WCAG 2.2, 1.4.3).
_COLOURS: dict[Tone, tuple[str, str]] = {
    "good": ("#4cc27e", "#1d6b3c"),
    "warning": ("#e39a2d", "#7f4d00"),
    "error": ("#f58080", "#b3261e"),
    "faint": ("#a3acb7", "#555d66"),
}
_MIDDLE = 0.5


def tone_colour(tone: Tone, palette: QPalette) -> str:
    """Return a colour as ``"#rrggbb"`` that can be read on the background of a widget's palette."""
    dark, light = _COLOURS[tone]
    return light if palette.color(QPalette.ColorRole.Window).lightnessF() > _MIDDLE else dark
