"""What an output file remembers of how it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from napari_unets.inference import InferenceSettings
    from napari_unets.models import Model

__all__ = ["METADATA_KEY", "Output", "record"]

#: Where an image's metadata keep what this package knows about it; the same in files and in napari's layers.
METADATA_KEY = "napari_unets"

Output = Literal["segmentation", "probabilities", "instances"]


def record(
    model: Model, output: Output, settings: InferenceSettings | None = None, *, image: str = "", **others: Any
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
    **others
        Further settings; JSON values.

    Returns
    -------
    dict
        JSON-able. With ``classes``, ``evaluate`` knows what the numbers in the file mean.
    """
    card = model.card
    made = {
        "output": output,
        "model": card.name,
        "classes": [c.model_dump() for c in card.classes],
        "class_axis": output == "probabilities" and card.out_channels > 1,
        "settings": ({} if settings is None else settings.model_dump(mode="json")) | others,
        "image": image,
        "weights_sha256": card.weights_sha256,
    }
    return {METADATA_KEY: made}
