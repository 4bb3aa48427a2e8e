"""What is known of a prediction's numbers because our own ``segment`` or ``predict`` wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["RECORD_KEY", "class_names_of_record", "options_of_record"]

RECORD_KEY = "napari_unets"
"""Where the metadata of a file or layer keep the record."""


def options_of_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of `evaluate` that the record of a prediction settles.

    Probabilities are of class 1 (membrane, ink), which is what a truth's 0 marks; where all classes were written,
    those of the first are to be taken. A model that knows ink is one of documents.

    Parameters
    ----------
    record : mapping
        ``output`` and ``classes``, as `segment` writes them; empty of an image that we did not make.

    Returns
    -------
    dict
        Any of ``kind``, ``prediction_is``, ``probability_of``.
    """
    options: dict[str, Any] = {}
    if any(info.get("name") == "ink" for info in record.get("classes", ())):
        options["kind"] = "document"
    match record.get("output"):
        case "segmentation":
            options["prediction_is"] = "classes"
        case "instances":
            options["prediction_is"] = "instances"
        case "probabilities":
            options |= {"prediction_is": "probabilities", "probability_of": "background"}
    return options


def class_names_of_record(record: Mapping[str, Any]) -> dict[str, str]:
    """Names of a prediction's classes, by their ids; empty where the record has none."""
    return {str(c["id"]): str(c["name"]) for c in record.get("classes", ()) if "id" in c and "name" in c}
