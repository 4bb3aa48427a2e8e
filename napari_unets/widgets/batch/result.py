"""An output of a batch, and the image that it was made of, as layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.outputs.record import METADATA_KEY
from napari_unets.models import ClassInfo
from napari_unets.widgets.files.readers import LayerData, read_stack
from napari_unets.widgets.parts.result_layers import class_colormap, class_features

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
    data, keywords, kind = read_stack(str(target))[0]
    if kind == "labels":
        keywords = {**keywords, **_classes(keywords["metadata"])}
    result = data, keywords, kind
    if source is None:
        return [result]
    try:
        return [*read_stack(source), result]
    except (NapariUnetsError, OSError):
        return [result]


def _classes(metadata: dict[str, Any]) -> dict[str, Any]:
    made = metadata.get(METADATA_KEY, {})
    if made.get("output") != "segmentation":
        return {}
    classes = [ClassInfo.model_validate(known) for known in made.get("classes", [])]
    return {"colormap": class_colormap(classes), "features": class_features(classes)}
