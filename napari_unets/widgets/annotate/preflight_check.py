"""Look at the annotations in another thread, and say what would be learnt from them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_unets.errors import NapariUnetsError
from napari_unets.images import as_stack
from napari_unets.learning.annotations import AnnotatedStack
from napari_unets.learning.preflight import preflight
from napari_unets.widgets.parts.image_source import ImageSource, image_source

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_unets.learning import SparseAnnotations
    from napari_unets.models import ClassInfo

__all__ = ["PreflightCheck"]


class PreflightCheck(QObject):
    """Runs :func:`napari_unets.learning.preflight.preflight` whenever asked; only the latest question is answered."""

    #: The report, or None and why there is none.
    checked = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(1, "preflight")
        self._asked = 0

    def ask(self, image: Image, annotations: SparseAnnotations, classes: Sequence[ClassInfo]) -> None:
        """Look at annotations as they are now; returns at once."""
        self._asked += 1
        self._threads.submit(self._look, self._asked, image_source(image), image.name, annotations, list(classes))

    def _look(
        self,
        number: int,
        source: ImageSource,
        name: str,
        annotations: SparseAnnotations,
        classes: Sequence[ClassInfo],
    ) -> None:
        if number != self._asked:
            return
        report, error = None, ""
        try:
            stack = as_stack(source.data, rgb=source.rgb, name=name)
            report = preflight([AnnotatedStack(stack, annotations)], classes)
        except NapariUnetsError as wrong:
            error = str(wrong)
        if isalive(self) and number == self._asked:  # type: ignore[no-untyped-call]
            self.checked.emit(report, error)
