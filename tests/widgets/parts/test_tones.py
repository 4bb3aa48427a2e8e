"""Coloured texts can be read on both themes."""

from __future__ import annotations

import pytest
from napari.utils.theme import get_theme
from qtpy.QtGui import QColor, QPalette

from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.tones import tone_colour


def luminance(colour):
    """As WCAG 2.2 defines it."""
    parts = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in colour.getRgbF()[:3]]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("part", ["background", "foreground"])
@pytest.mark.parametrize("tone", ["good", "warning", "error", "faint"])
def test_contrast(theme, part, tone):
    ground = QColor(getattr(get_theme(theme), part).as_hex())
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, ground)
    assert contrast(QColor(tone_colour(tone, palette)), ground) >= 4.5


def test_notes_follow_the_theme(make_napari_viewer):
    viewer = make_napari_viewer()
    note = Note("Careful", "warning")
    viewer.window.add_dock_widget(note)
    seen = set()
    for theme in ("light", "dark", "light"):
        viewer.theme = theme
        shown = note.palette()
        assert contrast(shown.color(QPalette.ColorRole.WindowText), shown.color(QPalette.ColorRole.Window)) >= 4.5
        seen.add(note.styleSheet())
    assert len(seen) == 2
