"""A source that notes what is read of it."""

from __future__ import annotations

from napari_unets.images.source import ArraySource

__all__ = ["SpiedSource"]


class SpiedSource(ArraySource):
    """Notes what is read."""

    def __init__(self, array, chunks=None):
        super().__init__(array, chunks)
        self.regions = []

    def read(self, region):
        self.regions.append(tuple((part.start, part.stop, part.step) for part in region))
        return super().read(region)
