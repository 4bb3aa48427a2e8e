"""Scores of a prediction against a ground truth, slice by slice."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from napari_unets.metrics.arrays import same_axes
from napari_unets.metrics.curve import ScoreCurve, mean_of_defined
from napari_unets.metrics.errors import ScoreSettingError
from napari_unets.metrics.in_order import map_in_order
from napari_unets.metrics.planes import Pair, make_pair
from napari_unets.metrics.reading import Reading, read_prediction, read_truth
from napari_unets.metrics.report import stack_curves, summarise
from napari_unets.metrics.settings import EvaluationSettings, make_settings
from napari_unets.metrics.slice_scores import SliceScores, score_pair

__all__ = ["Evaluation", "evaluate"]

#: Difference of the mean probability of foreground where it is and where it is not, that no mere bad prediction has:
#: membranes that lie quite beside the true ones have minus their share of the image, a third at most.
_TURNED_ROUND = -0.4


class Evaluation:
    """An evaluation that goes slice by slice, so that it can show progress, stop, and tell what it has so far.

    Parameters are those of `evaluate`. Making one reads up to 32 planes, and more where these hold next
    to nothing, to find out what the values are.

    Attributes
    ----------
    settings : EvaluationSettings
        What is computed, and how.
    prediction, truth : Reading
        What the values are read as; ``.words`` says it to people.
    slices : list of SliceScores
        What is done so far.
    n_slices : int
        How many there will be.
    shape : tuple of int
        Of the images, without leading axes of length 1 that only one of them has.
    """

    def __init__(
        self,
        prediction: Any,
        truth: Any,
        *,
        mask: Any = None,
        settings: EvaluationSettings | None = None,
        **options: Any,
    ) -> None:
        self.settings = make_settings(settings, **options)
        more = () if mask is None else (mask,)
        self._arrays = same_axes(prediction, truth, *more, pages=self.settings.page_sizes)
        kind = "document" if self.settings.of_documents else self.settings.kind
        self.truth: Reading = read_truth(
            self._arrays[1], kind=kind, form=self.settings.truth_is, ignore=self.settings.ignore
        )
        self.prediction: Reading = read_prediction(
            self._arrays[0], self.truth, kind=kind, form=self.settings.prediction_is
        )
        self._check_positive()
        whole = 3 if self.settings.volume else 2
        self._indices = list(np.ndindex(self._arrays[1].shape[:-whole]))
        self.n_slices = len(self._indices)
        self.shape = self._arrays[1].shape
        self.slices: list[SliceScores] = []

    def _check_positive(self) -> None:
        known = {*self.truth.values} | (set() if self.truth.form == "classes" else {0})
        if self.settings.positive is not None and self.settings.positive not in known:
            raise ScoreSettingError(
                f"The truth has no value {self.settings.positive}, so it cannot be the positive one; "
                f"it has {', '.join(map(str, sorted(known))) or 'nothing but 0'}."
            )

    @property
    def positive(self) -> int | None:
        """The class that is positive: 1 what is 0 in the truth, 2 what is not, or a class id; None: all classes."""
        if self.truth.form == "classes":
            if self.settings.positive is not None:
                return self.settings.positive
            two = max(self.truth.values, default=0) <= 2
            return 1 if self.settings.of_documents else 2 if two and self.settings.kind == "em" else None
        if self.settings.positive is not None:
            return 1 if self.settings.positive == 0 else 2
        return 1 if self.settings.of_documents else 2

    @property
    def of_objects(self) -> bool:
        """Whether average precision is of objects; otherwise it is of whole images."""
        return self.settings.kind == "instances" or "instances" in (self.truth.form, self.prediction.form)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Thresholds of V_rand and V_info; empty where the prediction is no probability."""
        return self.settings.thresholds if self.prediction.form == "probabilities" else ()

    @property
    def curves(self) -> dict[str, ScoreCurve]:
        """V_rand and V_info over the thresholds and slices so far."""
        return stack_curves(self.slices, self.thresholds, self.settings.alpha)

    @property
    def doubt(self) -> str | None:
        """What to ask where the slices so far look as if 0 and 1 were exchanged in the prediction; None otherwise.

        Not asked where ``probability_of`` or ``prediction_is`` has settled it.
        """
        settled = {"probability_of", "prediction_is"} & self.settings.model_fields_set
        contrast = mean_of_defined(np.array([scores.contrast for scores in self.slices]))
        if settled or self.prediction.form not in ("probabilities", "mask") or not contrast < _TURNED_ROUND:
            return None
        if self.prediction.form == "mask":
            return "the prediction is set mostly where the truth is 0: is it one of what the truth's 0 marks?"
        return (
            "the probabilities are higher where the truth is 0 than elsewhere: are they those of what the truth's 0 "
            "marks (membrane, ink), as predict gives them? Then say that they are of the background (probability_of)"
        )

    def pair(self, index: tuple[int, ...], *, copy: bool = False) -> Pair:
        """Read a slice of the prediction and of the truth, in the form in which they are compared."""
        prediction, truth = (array[index].copy() if copy else array[index] for array in self._arrays[:2])
        return make_pair(
            prediction,
            truth,
            self.prediction,
            self.truth,
            mask=self._arrays[2][index].astype(bool) if len(self._arrays) == 3 else None,
            ignore=self.settings.ignore,
            of_background=self.settings.probability_of == "background",
        )

    def _score(self, item: tuple[tuple[int, ...], Pair]) -> SliceScores:
        index, pair = item
        return score_pair(pair, index, self.settings, positive=self.positive, of_objects=self.of_objects)

    def run(self) -> Generator[SliceScores, None, None]:
        """Score slice after slice, in threads; yields each as it is done, in order.

        Closing the iterator stops: what was not begun is not computed.
        """
        left = self._indices[len(self.slices) :]
        for scores in map_in_order(self._score, ((index, self.pair(index)) for index in left), self.settings.threads):
            self.slices.append(scores)
            yield scores

    def score(self, index: tuple[int, ...]) -> SliceScores:
        """Score one slice as it is now, whatever is done so far, and keep nothing of it.

        The slice may be painted on meanwhile: a copy of it is scored.
        """
        return self._score((index, self.pair(index, copy=True)))

    def result(self) -> dict[str, Any]:
        """Scores over the slices that are done, as `evaluate` returns them."""
        names = {1: "0", 2: str(self.truth.values[0]) if len(self.truth.values) == 1 else "other"}
        class_names = {} if self.truth.form == "classes" else names
        return summarise(self.slices, self.settings, thresholds=self.thresholds, class_names=class_names)


def evaluate(
    prediction: Any,
    truth: Any,
    metrics: str | tuple[str, ...] | list[str] | None = None,
    *,
    mask: Any = None,
    settings: EvaluationSettings | None = None,
    on_slice: Callable[[SliceScores, int, int], None] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Score a prediction against a ground truth.

    Every slice is scored on its own; the scores are means over slices. V_rand and V_info of probabilities are given at
    the best one of their thresholds.

    Parameters
    ----------
    prediction : array, (y, x), (z, y, x) or more
        Floats: the probability of what is not 0 in the truth (cell, paper; class 2); of those that ``predict`` gives,
        say ``probability_of="background"``. Bools, or 0 and one other value: a mask of what is not 0. 1 and 2: class
        ids, as ``segment`` writes them. Wider integers: ids of objects. NumPy, Dask, Zarr and other lazy arrays are
        read slice by slice.
    truth : array, same shape
        0 and one other value; class ids, with 0 = not annotated, left out; or ids of objects, with 0 = none.
    metrics : sequence of str
        Any of ``napari_unets.metrics.METRICS``; ``ap65`` and the like work too. Default: V_rand and Dice.
    mask : bool, same shape, optional
        True where pixels count.
    settings : EvaluationSettings, optional
        All options at once.
    on_slice : callable, optional
        Called with the scores of a slice, how many are done, and how many there are.
    **options
        Fields of `EvaluationSettings`: ``kind``, ``threshold``, ``thresholds``, ``alpha``, ``per_slice``, ….

    Returns
    -------
    dict
        The scores under their names. ``v_rand`` comes with ``v_rand_split``, ``v_rand_merge`` and, for probabilities,
        ``v_rand_threshold``. A score that is undefined is NaN, and ``undefined`` has the reason. With ``per_slice``, a
        list of such dicts.

    Raises
    ------
    ShapeMismatchError
        The shapes differ; the message offers what would fit.
    UnknownMetricError, ScoreSettingError, TruthError
        What was asked for does not work.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[255, 0, 255], [255, 0, 255]], dtype=np.uint8)
    >>> evaluate(truth > 0, truth, ["v_rand", "dice"])["v_rand"]
    1.0
    """
    if metrics is not None:
        options["metrics"] = metrics
    evaluation = Evaluation(prediction, truth, mask=mask, settings=settings, **options)
    for scores in evaluation.run():
        if on_slice is not None:
            on_slice(scores, len(evaluation.slices), evaluation.n_slices)
    if evaluation.doubt is not None:
        warnings.warn(evaluation.doubt, stacklevel=2)
    return evaluation.result()
