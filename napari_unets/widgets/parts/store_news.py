"""Tell all widgets that there are other models in the store than before."""

from __future__ import annotations

import functools

from qtpy.QtCore import QObject, Signal

__all__ = ["StoreNews", "store_news"]


class StoreNews(QObject):
    """Between the widgets that change the store and those that list its models."""

    #: A model was saved, made, taken in, renamed or removed.
    changed = Signal()


@functools.cache
def store_news() -> StoreNews:
    """Return the one that all windows share."""
    return StoreNews()
