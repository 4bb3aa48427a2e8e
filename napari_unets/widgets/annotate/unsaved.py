"""What models have learnt and nobody has saved yet: lost neither with another choice nor with the widget."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unets.jobs.tasks.tuning import TuningSummary
    from napari_unets.models import ModelCard, ModelStore
    from napari_unets.widgets.annotate.tune_run import TuneRun

__all__ = ["Unsaved", "unsaved_in"]

_Learnt = tuple["TuningSummary", "TuneRun | None"]


class Unsaved:
    """Tuned models by the models that have learnt, for as long as napari runs."""

    def __init__(self) -> None:
        self._learnt: dict[tuple[str, str | None], _Learnt] = {}

    def put(self, name: str, card: ModelCard, learnt: _Learnt) -> None:
        """Put aside what a model of the store has learnt, and in which run."""
        self._learnt[name, card.weights_sha256] = learnt

    def forget(self, saved: TuningSummary | None) -> None:
        """Leave out what was saved after it had been put aside."""
        self._learnt = {key: learnt for key, learnt in self._learnt.items() if learnt[0] is not saved}

    def take(self, name: str, card: ModelCard, store: ModelStore) -> _Learnt | None:
        """Take back what a model has learnt, also if it was renamed since; None if there is nothing."""
        there = store.folders()
        for known, weights in self._learnt:
            if weights == card.weights_sha256 and (known == name or known not in there):
                summary, run = self._learnt.pop((known, weights))
                return (summary, run) if summary.model.is_dir() else None  # only the latest runs are kept on disk
        return None


@functools.cache
def unsaved_in(runs: Path) -> Unsaved:  # noqa: ARG001 - one for each
    """Return those whose runs are kept in a folder: a widget that is opened again finds what the last one has left."""
    return Unsaved()
