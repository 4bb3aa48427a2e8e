"""Read what layers hold, and score single slices, in one thread beside the window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from qtpy.QtCore import QObject, Signal

from napari_unets.jobs.tasks.evaluation import Candidate, Scored, scored
from napari_unets.metrics import Evaluation, MetricError
from napari_unets.metrics.settings import make_settings
from napari_unets.widgets.evaluate.run import EvaluateRequest

__all__ = ["EvaluateReader"]


class EvaluateReader(QObject):
    """What is quick but not quick enough for the window's thread.

    It is no job for the worker process, which may be busy with a training or a long segmentation just while
    somebody paints. Of requests that come faster than they are answered only the last one counts.
    """

    #: Layers were read: the request, and for each prediction its Evaluation, or why it cannot be compared.
    read = Signal(object, object)
    #: A slice was scored: for each prediction a Scored of this slice alone, or with an error.
    scored = Signal(object)
    #: Something could not be read: the error.
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()  # no parent: the thread may outlive the widget
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="napari-unets scores")
        self._lock = threading.Lock()
        self._wanted: dict[str, Callable[[], None]] = {}
        self._changed: set[int] = set()
        self._last: dict[int, Scored] = {}
        self._evaluations: list[tuple[Candidate, Evaluation | str]] = []

    def ask_for_reading(self, request: EvaluateRequest) -> None:
        """Find out what predictions and truth hold; answered by ``read``."""
        self._ask("read", lambda: self._read(request))

    def ask_for_scores(self, index: tuple[int, ...], only: int | None = None) -> None:
        """Score a slice of what was read last, as it is now; answered by ``scored``.

        Parameters
        ----------
        index : tuple of int
            The slice.
        only : int, optional
            Number of the one prediction that has changed since this slice was scored last.
        """
        with self._lock:
            self._changed.update(range(len(self._evaluations)) if only is None else (only,))
        self._ask("score", lambda: self._score(index))

    def close(self) -> None:
        """End the thread after what it does at the moment."""
        with self._lock:
            self._wanted.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, what: str, answer: Callable[[], None]) -> None:
        with self._lock:
            waits = what in self._wanted
            self._wanted[what] = answer
        if not waits:
            self._pool.submit(self._answer, what)

    def _answer(self, what: str) -> None:
        with self._lock:
            answer = self._wanted.pop(what, None)
        if answer is None:
            return
        try:
            answer()
        except Exception as error:  # noqa: BLE001 - whatever a lazy array may raise is shown
            self.failed.emit(error)

    def _read(self, request: EvaluateRequest) -> None:
        settings = make_settings(None, **request.settings)
        found: list[Evaluation | str] = []
        for candidate in request.candidates:
            try:
                found.append(Evaluation(candidate.data, request.truth, settings=settings, **candidate.options))
            except MetricError as error:
                found.append(str(error))
        with self._lock:
            self._evaluations = list(zip(request.candidates, found, strict=True))
            self._last.clear()
        self.read.emit(request, found)

    def _score(self, index: tuple[int, ...]) -> None:
        with self._lock:
            changed, self._changed = self._changed, set()
        for number, (candidate, evaluation) in enumerate(self._evaluations):
            if isinstance(evaluation, str):
                self._last[number] = Scored(candidate.name, error=evaluation)
                continue
            n_axes = len(evaluation.shape) - 2
            here = ((0,) * n_axes + index)[-n_axes:] if n_axes else ()
            last = self._last.get(number)
            if number in changed or last is None or last.slices[0].index != here:
                self._last[number] = replace(scored(candidate, evaluation), slices=(evaluation.score(here),))
        self.scored.emit([self._last[number] for number in range(len(self._evaluations))])
