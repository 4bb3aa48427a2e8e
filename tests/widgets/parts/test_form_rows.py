"""Rows of a form that come and go, with Qt 6 and with Qt 5."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFormLayout, QLineEdit, QWidget

from napari_unets.widgets.parts.form_rows import show_row


class _FormOfQt5:
    """What Qt 5 has of a form."""

    def __init__(self, form):
        self.labelForField = form.labelForField


@pytest.mark.parametrize("wrap", [lambda form: form, _FormOfQt5], ids=["Qt 6", "Qt 5"])
def test_a_row_goes_and_comes_with_its_label(qtbot, wrap):
    page = QWidget()
    qtbot.addWidget(page)
    form, field = QFormLayout(page), QLineEdit()
    form.addRow("Level", field)
    for shown in (False, True):
        show_row(wrap(form), field, shown)
        assert (field.isHidden(), form.labelForField(field).isHidden()) == (not shown, not shown)
