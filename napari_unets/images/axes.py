"""One letter an axis, and the order in which a stack keeps them."""

from __future__ import annotations

from collections.abc import Sequence

from napari_unets.images.errors import AxesError

__all__ = ["check_axes", "default_axes", "stack_axes", "tidy_axes"]

_DEFAULT = {2: "yx", 3: "zyx", 4: "tzyx", 5: "tczyx"}
_SPARE = "ztcpabdefghijklmnoqruvw"  # letters for axes that a file does not name, in the order they are taken
_RGB_SIDE = 30  # pixels; a trailing axis of 3 or 4 is colour only behind sides at least this long, as in napari


def check_axes(axes: str, ndim: int, name: str) -> str:
    """Check axes that a user gives for the axes of the data as stored.

    Parameters
    ----------
    axes : str
        One letter an axis, in the order in which they are stored; y and x are a must, s is for colour samples.
    ndim : int
        Number of axes of the data.
    name : str
        File or layer, for the message.

    Returns
    -------
    str
        The axes in lower case.

    Raises
    ------
    AxesError
        If they are not one distinct letter for each axis of the data, with y and x among them.
    """
    if not isinstance(axes, str):
        raise AxesError(f"{name}: the axes {axes!r} are no letters, such as 'zyx'")
    letters = axes.lower()
    if len(letters) != ndim:
        raise AxesError(f"{name}: has {ndim} axes, but {len(letters)} were given ({axes!r}); give one letter for each")
    if len(set(letters)) != ndim or not letters.isalpha() or not letters.isascii():
        raise AxesError(f"{name}: the axes {axes!r} are not one distinct letter each, such as 'zyx'")
    if not {"y", "x"} <= set(letters):
        raise AxesError(f"{name}: the axes {axes!r} lack y or x; an image needs both")
    return letters


def default_axes(shape: Sequence[int], name: str, rgb: bool | None = None) -> str:
    """Guess the axes of an array that does not say what they are.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array, 2-D to 5-D, not counting colour.
    name : str
        File or layer, for the message.
    rgb : bool, optional
        Whether the last axis is colour. By default it is where its length is 3 or 4 and the
        two axes before it are at least 30 long.

    Returns
    -------
    str
        Such as ``"zyx"`` or ``"zyxs"``.

    Raises
    ------
    AxesError
        If the number of axes is not 2 to 5 (and one more for colour).
    """
    if rgb is None:
        rgb = len(shape) > 2 and shape[-1] in (3, 4) and min(shape[-3:-1]) >= _RGB_SIDE
    ndim = len(shape) - int(rgb)
    if ndim not in _DEFAULT:
        raise AxesError(f"{name}: has shape {tuple(shape)}; 2 to 5 axes, y and x among them, are understood")
    return _DEFAULT[ndim] + "s" * int(rgb)


def tidy_axes(names: Sequence[str]) -> str:
    """Turn a file's own names of axes into distinct letters, z for the first one without a known name.

    Parameters
    ----------
    names : sequence of str
        Such as ``"TCZYX"``, ``["time", "y", "x"]`` or ``"QYX"`` (Q: unknown, I: images, in TIFF).

    Returns
    -------
    str
        Such as ``"tczyx"`` or ``"zyx"``.
    """
    first = [name[:1].lower() for name in names]
    known = {letter for letter in first if letter in "tczyxs" and first.count(letter) == 1}
    spare = iter(letter for letter in _SPARE if letter not in known)
    letters = [letter if letter in known else "" for letter in first]
    for i in reversed(range(len(letters))):  # the unnamed axis nearest to the plane is z
        letters[i] = letters[i] or next(spare)
    return "".join(letters)


def stack_axes(axes: str) -> str:
    """Order axes as a stack has them: plane axes as they come, then y, x, and s if there is colour.

    Parameters
    ----------
    axes : str
        Checked axes of the stored data.

    Returns
    -------
    str
        The stack's axes; z is put first where there is no plane axis at all.
    """
    planes = "".join(letter for letter in axes if letter not in "yxs")
    return (planes or "z") + "yx" + ("s" if "s" in axes else "")
