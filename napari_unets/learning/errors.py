"""Errors around annotations."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = ["AnnotationError"]


class AnnotationError(NapariUnetsError):
    """Annotations that a model cannot learn from: of another shape, empty, or of one class only."""
