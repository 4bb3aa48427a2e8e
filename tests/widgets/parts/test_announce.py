"""Errors that the user can mend, and others."""

from __future__ import annotations

import pytest

from napari_unets.errors import NapariUnetsError
from napari_unets.widgets.parts.announce import announce


def test_only_what_the_user_can_mend_is_shown(monkeypatch):
    said = []
    monkeypatch.setattr("napari_unets.widgets.parts.announce.show_error", said.append)
    announce(NapariUnetsError("there is no image"))
    with pytest.raises(KeyError):
        announce(KeyError("x"))
    assert said == ["there is no image"]
