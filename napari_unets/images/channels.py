"""One channel of an image, as an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from napari_unets.images.errors import ChannelsError
from napari_unets.images.source import FileImage, Region, Source

__all__ = ["choose_channel"]


def choose_channel(image: FileImage, channel: str | int, name: str) -> FileImage:
    """Choose a channel of an image that was opened.

    Parameters
    ----------
    image : FileImage
        The image, one of whose axes is c.
    channel : str or int
        Its name in the file, in small or capital letters, or its number from 1.
    name : str
        Of the file, for the message.

    Returns
    -------
    FileImage
        Without the axis c. Closing it closes the image.

    Raises
    ------
    ChannelsError
        If there is no such channel, or no channels.
    """
    if "c" not in image.axes:
        colour = " (colour is none: its samples belong together)" if "s" in image.axes else ""
        raise ChannelsError(
            f"{name}: has the axes {image.axes}, none of which is c, for channels{colour}; leave the channel out, or "
            "say by the axes which one it is"
        )
    axis = image.axes.index("c")
    count = image.source.shape[axis]
    number = _number(str(channel).strip(), image.channels, count)
    if number is None:
        listed = ", ".join(f"{i} ({label})" if label else str(i) for i, label in _numbered(image.channels, count))
        raise ChannelsError(f"{name}: has no channel {channel}; it has {listed}")
    axes = image.axes.replace("c", "")
    return replace(image, source=_OneChannel(image.source, axis, number - 1), axes=axes, channels=())


def _numbered(names: Sequence[str], count: int) -> list[tuple[int, str]]:
    return [(i, names[i - 1] if i <= len(names) else "") for i in range(1, count + 1)]


def _number(wanted: str, names: Sequence[str], count: int) -> int | None:
    """Find the channel that is meant; a name is looked for first, since it may be a number, too."""
    found = [i for i, label in _numbered(names, count) if label.lower() == wanted.lower() != ""]
    if len(found) == 1:
        return found[0]
    return int(wanted) if wanted.isdecimal() and 1 <= int(wanted) <= count else None


class _OneChannel:
    """A source without the axis of its channels."""

    def __init__(self, source: Source, axis: int, number: int) -> None:
        self._source, self._axis, self._number = source, axis, number
        self.shape = self._without(source.shape)
        self.dtype = source.dtype
        self.chunks = None if source.chunks is None else self._without(source.chunks)

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes but that of the channels."""
        whole = (*region[: self._axis], slice(self._number, self._number + 1), *region[self._axis :])
        return self._source.read(whole).squeeze(self._axis)

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def _without(self, sides: tuple[int, ...]) -> tuple[int, ...]:
        return sides[: self._axis] + sides[self._axis + 1 :]
