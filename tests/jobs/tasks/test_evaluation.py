"""Scoring in the worker: the same figures as in Python, and a stop between two slices."""

from __future__ import annotations

import threading

import dask.array as da
import numpy as np
import pytest

from napari_unets.jobs.tasks.error_marks import mark_errors
from napari_unets.jobs.tasks.evaluation import Candidate, Progress, score_predictions
from napari_unets.metrics import ShapeMismatchError, error_layer, evaluate

PATIENCE = 120.0
METRICS = ("v_rand", "v_info", "dice", "pixel_error")


def cells(planes=3, size=24):
    """Truth of square cells, 0 and 255, and a probability of cells that is nearly right."""
    truth = np.full((planes, size, size), 255, np.uint8)
    truth[:, ::8] = truth[:, :, ::8] = 0
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, truth.shape)
    return truth, np.clip(np.where(truth > 0, 0.75, 0.25) + noise, 0, 1).astype(np.float32)


def collect(job):
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as end:
            return events, end.value


def test_equals_evaluate_for_each_prediction():
    truth, probability = cells()
    membrane = {"prediction_is": "probabilities", "probability_of": "background"}
    candidates = [
        Candidate("cells", probability),
        Candidate("membrane", 1 - probability, membrane),
        Candidate("classes", np.where(probability > 0.5, 2, 1).astype(np.uint8)),
    ]
    events, results = collect(score_predictions(candidates, truth, {"metrics": METRICS}))
    looked = [Progress(0, 0, reading=candidate.name) for candidate in candidates]
    assert events == [*looked, *(Progress(i, 9) for i in range(10))]
    for candidate, result in zip(candidates, results, strict=True):
        expected = evaluate(candidate.data, truth, METRICS, per_slice=True, **candidate.options)
        assert result.scores == expected
        assert result.name == candidate.name
    assert results[0].best_threshold == expected_threshold(probability, truth)
    assert results[1].scores["v_rand"] == pytest.approx(results[0].scores["v_rand"])
    assert results[2].best_threshold is None


def expected_threshold(probability, truth):
    return evaluate(probability, truth, "v_rand")["v_rand_threshold"]


def test_one_that_cannot_be_compared_leaves_the_others_alone():
    truth, probability = cells()
    candidates = [Candidate("turned", probability.T), Candidate("fits", probability)]
    _, (turned, fits) = collect(score_predictions(candidates, truth, {"metrics": ("dice",)}))
    assert "transpose" in turned.error
    assert turned.scores == {}
    assert not fits.error
    assert fits.scores["dice"] > 0.5


def test_stop_is_obeyed_between_slices_and_keeps_what_is_done():
    truth, probability = cells(6)
    seen = []
    job = score_predictions(
        [Candidate("a", probability), Candidate("b", probability)],
        truth,
        {"metrics": ("dice",), "threads": 1},
        cancel=lambda: bool(seen) and seen[-1].done == 2,
    )
    while True:
        try:
            seen.append(next(job))
        except StopIteration as end:
            a, b = end.value
            break
    assert (len(a.slices), len(b.slices)) == (2, 0)
    assert a.scores["dice"] == evaluate(probability[:2], truth[:2], "dice")["dice"]
    assert b.scores == {}
    assert b.best_threshold is None


def test_stop_is_obeyed_before_the_second_prediction_is_looked_into():
    truth, probability = cells()
    candidates = [Candidate("a", probability), Candidate("b", probability)]
    stop = iter((False, True))
    events, results = collect(score_predictions(candidates, truth, {"metrics": ("dice",)}, cancel=lambda: next(stop)))
    assert [one.reading for one in events] == ["a", "b"]
    assert [(one.name, one.slices) for one in results] == [("a", ()), ("b", ())]


def test_what_looks_turned_round_is_doubted():
    truth, probability = cells()
    candidates = [Candidate("cells", probability), Candidate("membrane", 1 - probability)]
    _, (right, turned) = collect(score_predictions(candidates, truth, {"metrics": ("dice",)}))
    assert not right.doubt
    assert "higher where the truth is 0" in turned.doubt


def test_a_slice_scored_anew_replaces_the_old_one():
    truth, probability = cells()
    _, (before,) = collect(score_predictions([Candidate("a", probability)], truth, {"metrics": METRICS}))
    changed = probability.copy()
    changed[1] = truth[1] > 0
    _, (after,) = collect(score_predictions([Candidate("a", changed)], truth, {"metrics": METRICS}))
    assert before.with_slice(after.slices[1]).scores == after.scores
    assert before.scores != after.scores


@pytest.mark.parametrize("shape", ["2d", "4d"])
def test_two_and_four_axes(shape):
    truth, probability = cells(4)
    truth, probability = (a[0] if shape == "2d" else a.reshape(2, 2, 24, 24) for a in (truth, probability))
    _, (result,) = collect(score_predictions([Candidate("a", probability)], truth, {"metrics": METRICS}))
    assert result.scores == evaluate(probability, truth, METRICS, per_slice=True)
    assert [s.index for s in result.slices] == list(np.ndindex(truth.shape[:-2]))
    marks, _ = collect(mark_errors(Candidate("a", probability), truth, {}))
    assert [m.index for m in marks] == list(np.ndindex(truth.shape[:-2]))


def test_marks_are_those_of_the_error_layer_and_begin_where_asked():
    truth, probability = cells()
    marks, _ = collect(mark_errors(Candidate("a", probability), truth, {}, threshold=0.6, first=1))
    assert [m.index for m in marks] == [(1,), (2,), (0,)]
    assert [(m.done, m.total) for m in marks] == [(1, 3), (2, 3), (3, 3)]
    expected = error_layer(probability, truth, 0.6)
    assert expected.any()
    for mark in marks:
        np.testing.assert_array_equal(mark.values, expected[mark.index])


def test_marking_can_be_stopped():
    truth, probability = cells()
    marks = []
    for mark in mark_errors(Candidate("a", probability), truth, {}, cancel=lambda: len(marks) == 1):
        marks.append(mark)
    assert len(marks) == 1


class TestInTheWorker:
    def test_arrays_and_dask(self, run):
        truth, probability = cells()
        lazy = da.from_array(probability, chunks=(1, 24, 24))
        candidates = [Candidate("numpy", probability), Candidate("dask", lazy)]
        job, ear = run(score_predictions, candidates, truth, {"metrics": METRICS})
        assert job.error is None
        assert ear.events[-1] == Progress(6, 6)
        expected = evaluate(probability, truth, METRICS, per_slice=True)
        assert [result.scores for result in job.result] == [expected, expected]

    def test_stop(self, worker):
        truth, probability = cells(400, 64)
        begun = threading.Event()
        job = worker.submit(
            score_predictions,
            [Candidate("a", probability)],
            truth,
            {"metrics": METRICS},
            on_event=lambda one: one.done and begun.set(),
            grace_s=PATIENCE,
        )
        assert begun.wait(PATIENCE)
        job.stop()
        assert job.wait(PATIENCE)
        assert job.stopped
        (result,) = job.result
        assert 0 < len(result.slices) < result.n_slices == 400

    def test_errors_keep_their_class(self, run):
        truth, probability = cells()
        job, _ = run(mark_errors, Candidate("a", probability[:, :-1]), truth, {})
        assert isinstance(job.error, ShapeMismatchError)


def test_classes_are_scored_one_by_one_where_there_are_more_than_two():
    truth = np.repeat(np.uint8([1, 2, 3]), 8)[None].repeat(6, 0)
    found = truth.copy()
    found[:3, :8] = 2
    names = {"1": "membrane", "2": "cell", "3": "dark body"}
    _, (three,) = collect(score_predictions([Candidate("a", found, {}, names)], truth, {"metrics": "dice"}))
    assert three.scores["per_class"]["3"]["dice"] == 1
    assert three.scores["per_slice"][0]["per_class"]["1"]["recall"] == 0.5
    assert three.class_names == names
    _, (two,) = collect(score_predictions([Candidate("a", found[:, :16])], truth[:, :16], {"metrics": "dice"}))
    assert "per_class" not in two.scores
