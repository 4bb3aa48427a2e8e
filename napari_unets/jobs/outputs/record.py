"""What an output file remembers of how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from napari_unets.inference import InferenceSettings
    from napari_unets.models import Model

__all__ = ["MADE_FROM", "METADATA_KEY", "Output", "edited", "record"]

#: Where an image's metadata keep what this package knows about it; the same in files and in napari's layers.
METADATA_KEY = "napari_unets"

#: Where a record keeps what the output was made from.
MADE_FROM = "made_from"

Output = Literal["segmentation", "probabilities", "instances"]


def record(
    model: Model,
    output: Output,
    settings: InferenceSettings | None = None,
    *,
    image: str = "",
    made_from: Mapping[str, Any] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Metadata of an output, the same that the widgets give their layers.

    Parameters
    ----------
    model : Model
        What made it.
    output : {"segmentation", "probabilities", "instances"}
        What it holds.
    settings : InferenceSettings, optional
        How it was made.
    image : str
        What of.
    made_from : mapping, optional
        What a later run compares to know whether the output still is what it would make: see
        :class:`~napari_unets.jobs.outputs.matching.MadeFrom`.
    **others
        Further settings; JSON values.

    Returns
    -------
    dict
        JSON-able. With ``classes``, ``evaluate`` knows what the numbers in the file mean.
    """
    card = model.card
    made: dict[str, Any] = {
        "output": output,
        "model": card.name,
        "classes": [c.model_dump() for c in card.classes],
        "class_axis": output == "probabilities" and card.out_channels > 1,
        "settings": ({} if settings is None else settings.model_dump(mode="json")) | others,
        "image": image,
        "weights_sha256": card.weights_sha256,
    }
    if made_from is not None:
        made[MADE_FROM] = dict(made_from)
    return {METADATA_KEY: made}


def edited(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata of an output that a person may have changed: no batch skips or replaces it as its own any more.

    Parameters
    ----------
    metadata : mapping
        Of an image or a layer.

    Returns
    -------
    dict
        The same without what the output was made from.
    """
    made = metadata.get(METADATA_KEY)
    if not isinstance(made, Mapping) or MADE_FROM not in made:
        return dict(metadata)
    return {**metadata, METADATA_KEY: {key: value for key, value in made.items() if key != MADE_FROM}}
