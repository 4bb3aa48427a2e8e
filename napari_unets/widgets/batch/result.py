"""An output of a batch, and the image that it was made of, as layers."""

from __future__ import annotations

from pathlib import Path

from napari_unets.errors import NapariUnetsError
from napari_unets.widgets.files.readers import LayerData, read_stack

__all__ = ["read_result"]


def read_result(source: str | None, target: Path) -> list[LayerData]:
    """Read an output, in any thread.

    Parameters
    ----------
    source : str or None
        The image that it was made of, to be read as well; left out if it cannot be read any more.
    target : Path
        The output.

    Returns
    -------
    list of LayerData
        The image below its result; class ids in the colours of their classes.

    Raises
    ------
    ImageError
        If the output cannot be read.
    """
    result = read_stack(str(target))
    if source is None:
        return result
    try:
        return [*read_stack(source), *result]
    except (NapariUnetsError, OSError):
        return result
