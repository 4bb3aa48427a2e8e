"""What every way to make an output is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unets.inference import Predictor, TileEvent
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["Order", "Report"]

#: Told how much of how much is done.
Report = Callable[[float, float], None]


@dataclass(frozen=True)
class Order:
    """An output that is to be made, but for its input and its place.

    Attributes
    ----------
    predictor : Predictor
        Runs the model.
    settings : OutputSettings
        What to make, and how.
    metadata : mapping
        Kept in the file.
    report : callable
        Told how much of how much is done.
    overwrite : bool
        Replace what is there.
    cancel : callable or None
        Asked between windows; True stops.
    """

    predictor: Predictor
    settings: OutputSettings
    metadata: Mapping[str, Any]
    report: Report
    overwrite: bool = False
    cancel: Callable[[], bool] | None = None

    def how(self, before: float = 0.0, total: float | None = None) -> dict[str, Any]:
        """Return the arguments of :func:`~napari_unets.inference.predict` and ``segment`` that every image has.

        Parameters
        ----------
        before : float
            What is done already when the image begins, if it is one of ``total``.
        total : float, optional
            Images; left out, tiles are reported.
        """

        def told(event: TileEvent) -> None:
            if total is None:
                self.report(event.done, event.total)
            else:
                self.report(before + event.done / event.total, total)

        return {"predictor": self.predictor, "on_event": told, "cancel": self.cancel}
