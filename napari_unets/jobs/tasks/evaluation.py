"""Score predictions against a ground truth in the worker: the job behind the Evaluate widget.

This module imports nothing that takes long; the worker does, inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unets.metrics import Evaluation, EvaluationSettings, ScoreCurve, SliceScores

__all__ = ["Candidate", "Progress", "Scored", "score_predictions", "scored"]


@dataclass(frozen=True)
class Candidate:
    """A prediction to be scored.

    Attributes
    ----------
    name : str
        For people.
    data : array
        Any that `napari_unets.evaluate` takes.
    options : mapping
        What is known of its numbers: keywords of `evaluate` that hold for it alone.
    class_names : mapping of str to str
        What its classes are called, by their ids; empty where that is not known.
    """

    name: str
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    class_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far the job is.

    Attributes
    ----------
    done, total : int
        Slices, of all predictions together; both 0 while it is found out what there is.
    reading : str
        The prediction that is looked into before any is scored; empty from then on.
    """

    done: int
    total: int
    reading: str = ""


@dataclass(frozen=True)
class Scored:
    """A prediction's scores.

    Attributes
    ----------
    name : str
        The prediction's.
    slices : tuple of SliceScores
        What was computed of each slice that is done, in order.
    n_slices : int
        How many there are.
    settings : EvaluationSettings or None
        What was asked for.
    thresholds : tuple of float
        Of V_rand and V_info; empty where the prediction has nothing to be thresholded.
    shape : tuple of int
        Of the images that were compared, without leading axes of length 1 that only one has.
    error : str
        Why there are no scores; otherwise empty.
    class_names : mapping of str to str
        The prediction's.
    doubt : str
        What to ask where the prediction looks as if it was turned round; otherwise empty.
    """

    name: str
    slices: tuple[SliceScores, ...] = ()
    n_slices: int = 0
    settings: EvaluationSettings | None = None
    thresholds: tuple[float, ...] = ()
    shape: tuple[int, ...] = ()
    error: str = ""
    class_names: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""

    @property
    def scores(self) -> dict[str, Any]:
        """What `evaluate` returns with ``per_slice``, of three classes and more with ``per_class``; or nothing yet."""
        from napari_unets.metrics.report import summarise

        if self.settings is None or not self.slices:
            return {}
        several = len({label for one in self.slices for label in one.classes}) > 2
        settings = self.settings.model_copy(update={"per_slice": True, "per_class": several})
        return summarise(self.slices, settings, thresholds=self.thresholds, class_names={})

    @property
    def curves(self) -> dict[str, ScoreCurve]:
        """V_rand and V_info over thresholds and slices, as far as they were asked for."""
        from napari_unets.metrics.report import stack_curves

        if self.settings is None or not self.slices:
            return {}
        return stack_curves(self.slices, self.thresholds, self.settings.alpha)

    @property
    def best_threshold(self) -> float | None:
        """Where V_rand (or else V_info) is best, as a threshold of P(what is not 0 in the truth)."""
        thresholds = [curve.threshold for curve in self.curves.values()]
        return thresholds[0] if thresholds else None

    def with_slice(self, scores: SliceScores) -> Scored:
        """Return the same with a slice scored anew; a slice that was not scored before is left alone."""
        slices = tuple(scores if old.index == scores.index else old for old in self.slices)
        return replace(self, slices=slices)


def scored(candidate: Candidate, evaluation: Evaluation) -> Scored:
    """Take what an evaluation has so far, without its images."""
    return Scored(
        name=candidate.name,
        class_names=candidate.class_names,
        slices=tuple(evaluation.slices),
        n_slices=evaluation.n_slices,
        settings=evaluation.settings,
        thresholds=evaluation.thresholds,
        shape=evaluation.shape,
        doubt=evaluation.doubt or "",
    )


def score_predictions(
    candidates: Sequence[Candidate],
    truth: Any,
    settings: Mapping[str, Any],
    cancel: Callable[[], bool] | None = None,
) -> Generator[Progress, None, list[Scored]]:
    """Score predictions against one truth, slice by slice. A job for `Worker.submit`.

    Parameters
    ----------
    candidates : sequence of Candidate
        The predictions.
    truth : array
        As for `evaluate`.
    settings : mapping
        Fields of `napari_unets.metrics.EvaluationSettings`.
    cancel : callable, optional
        True once the job is to end, which it does after the slice at hand. Given by the worker.

    Yields
    ------
    Progress

    Returns
    -------
    list of Scored
        One for each prediction, in order. One that cannot be compared says why in ``error``.
    """
    from napari_unets.metrics import Evaluation, MetricError
    from napari_unets.metrics.settings import make_settings

    results: list[Scored] = []
    evaluations: list[Evaluation | None] = []
    made = make_settings(None, **settings)
    for candidate in candidates:
        yield Progress(0, 0, reading=candidate.name)
        if cancel is not None and cancel():
            return [Scored(one.name) for one in candidates]
        try:
            evaluation = Evaluation(candidate.data, truth, settings=made, **candidate.options)
        except MetricError as error:
            evaluations.append(None)
            results.append(Scored(candidate.name, error=str(error)))
        else:
            evaluations.append(evaluation)
            results.append(scored(candidate, evaluation))
    total = sum(evaluation.n_slices for evaluation in evaluations if evaluation is not None)
    done = 0
    yield Progress(done, total)
    for i, one in enumerate(evaluations):
        if one is None or (cancel is not None and cancel()):
            continue
        with closing(one.run()) as run:
            for _ in run:
                done += 1
                yield Progress(done, total)
                if cancel is not None and cancel():
                    break
        results[i] = scored(candidates[i], one)
    return results
