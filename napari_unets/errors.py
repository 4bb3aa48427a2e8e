"""The root of every error that a user can cause and can mend."""

from __future__ import annotations

__all__ = ["NapariUnetsError"]


class NapariUnetsError(Exception):
    """What was wrong, with which file, layer or setting, and what to do about it.

    Every folder derives its own named errors from this class, so that the shell and the widgets
    show the message as it stands, while a programming error still ends in a traceback.
    """
