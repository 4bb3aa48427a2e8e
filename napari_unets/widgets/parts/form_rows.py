"""Rows of a form that come and go."""

from __future__ import annotations

from qtpy.QtWidgets import QFormLayout, QWidget

__all__ = ["show_row"]


def show_row(form: QFormLayout, field: QWidget, shown: bool) -> None:
    """Show or hide a field and its label.

    Parameters
    ----------
    form : QFormLayout
        The form.
    field : QWidget
        The row's field.
    shown : bool
        Whether it is to be seen.
    """
    if hasattr(form, "setRowVisible"):  # Qt 6.4
        form.setRowVisible(field, shown)
        return
    field.setVisible(shown)  # an earlier Qt, which leaves the row's spacing
    if (label := form.labelForField(field)) is not None:
        label.setVisible(shown)
