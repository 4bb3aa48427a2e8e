"""Which layers can be scored, which is likely to be the truth, and what is known of their numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unets.images.stack import as_stack
from napari_unets.jobs.outputs.colour import grey_of
from napari_unets.jobs.tasks.evaluation import Candidate
from napari_unets.metrics.record import class_names_of_record, options_of_record
from napari_unets.widgets.parts.result_layers import METADATA_KEY, is_no_result, is_result

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "can_be_prediction",
    "can_be_truth",
    "candidate_of",
    "is_whole_result",
    "layer_array",
    "likely_truth",
    "page_sizes",
    "record_of",
]

_TRUTH_WORDS = re.compile(r"truth|ground|(?<![a-z])gt(?![a-z])|target|label|annotation", re.IGNORECASE)
_ERRORS = "errors"


def record_of(layer: Layer) -> dict[str, Any]:
    """Return what this package wrote about a layer that it made; otherwise empty."""
    record = layer.metadata.get(METADATA_KEY)
    return record if isinstance(record, dict) else {}


def can_be_prediction(layer: Layer) -> bool:
    """Whether a layer can hold a segmentation or probabilities."""
    return isinstance(layer, Image) or (isinstance(layer, Labels) and record_of(layer).get("output") != _ERRORS)


def can_be_truth(layer: Layer) -> bool:
    """Whether a layer can hold a ground truth: labels, a model's own once corrected, or an image of whole numbers."""
    if is_result(layer):
        return isinstance(layer, Labels) and record_of(layer)["output"] != _ERRORS
    return isinstance(layer, Labels) or (isinstance(layer, Image) and np.dtype(layer.dtype).kind in "bui")


def is_whole_result(layer: Layer) -> bool:
    """Whether a model has made a layer, and not only of what somebody happened to look at while it was learning."""
    return is_result(layer) and not record_of(layer).get("settings", {}).get("preview")


def likely_truth(layers: Iterable[Layer]) -> Layer | None:
    """Guess which layer is the truth; none that a model has made.

    One that is called so, or else a labels layer, the topmost of them; or else the first image that is not in colour,
    as scans are. What was painted for a model to learn from comes after any other labels.
    """
    best: Layer | None = None
    highest = 0
    for layer in layers:
        rank = 4 * bool(_TRUTH_WORDS.search(layer.name)) + 2 * isinstance(layer, Labels) + (not _in_colour(layer))
        rank = 2 if record_of(layer).get("annotations") else rank
        if can_be_truth(layer) and is_no_result(layer) and (rank > highest or rank == highest > 1):
            best, highest = layer, rank
    return best


def _in_colour(layer: Layer) -> bool:
    return isinstance(layer, Image) and bool(layer.rgb)


def layer_array(layer: Layer) -> Any:
    """Values of a layer at full resolution; of probabilities that have an axis of classes, those of the first.

    Colour is seen as grey: black and white pictures are often kept in colour. On our own clean pages whose ink kept its
    colour, which may be grey, only white is paper.
    """
    data = layer.data[0] if layer.multiscale else layer.data
    if _in_colour(layer) or record_of(layer).get("colour"):
        return grey_of(as_stack(data, rgb=_in_colour(layer), name=layer.name, metadata=layer.metadata))
    if not record_of(layer).get("class_axis"):
        return data
    labels = layer.axis_labels
    at = (
        0 if "class" in labels or "c" not in labels else labels.index("c")
    )  # in a file behind the time, if there is one
    return data[(slice(None),) * at + (0,)]


def candidate_of(layer: Layer) -> Candidate:
    """Give a layer as a prediction to be scored, with what its metadata say of its numbers."""
    record = record_of(layer)
    return Candidate(layer.name, layer_array(layer), options_of_record(record), class_names_of_record(record))


def page_sizes(layer: Layer) -> tuple[tuple[int, int], ...] | None:
    """Height and width of the page on each plane, where pages of several sizes lie at the top left of planes.

    None of a layer whose pages, if it has any, fill its planes.
    """
    pages = layer.metadata.get("pages")
    shape = layer_array(layer).shape
    if not isinstance(pages, list) or len(pages) != math.prod(shape[:-2]):
        return None
    sizes = tuple((int(page["size"][0]), int(page["size"][1])) for page in pages)
    return sizes if any(size != tuple(shape[-2:]) for size in sizes) else None
