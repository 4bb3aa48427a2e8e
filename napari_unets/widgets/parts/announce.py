"""What went wrong, told to whoever sits in front of the window."""

from __future__ import annotations

from napari.utils.notifications import show_error

from napari_unets.errors import NapariUnetsError

__all__ = ["announce"]


def announce(error: Exception) -> None:
    """Show an error that the user can mend; raise any other, which napari shows with its traceback."""
    if not isinstance(error, NapariUnetsError):
        raise error
    show_error(str(error))
