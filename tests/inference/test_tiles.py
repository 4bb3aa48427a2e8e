from __future__ import annotations

import numpy as np
import pytest

from napari_unets.images import as_stack
from napari_unets.inference import Cancelled, InferenceError, Predictor, iter_tiles, predict, stack_statistics

from .shared import STRICT, image, small_model

TILED = STRICT.model_copy(update={"tile": 40, "halo": "exact", "batch": 1})


@pytest.fixture(scope="module")
def model():
    return small_model()


def replay(events, shape):
    result = np.full(shape, np.nan, np.float32)
    for event in events:
        result[event.plane, event.y, event.x] = event.probabilities
    return result


def collect(events, into):
    for event in events:
        into.append(event)


@pytest.mark.parametrize("focus", [None, (1, 70.0, 10.0)])
def test_events_written_in_turn_make_the_prediction_whatever_their_order(model, focus):
    planes = image(3, 90, 75)
    events = list(iter_tiles(model, planes, settings=TILED, focus=focus))
    np.testing.assert_array_equal(replay(events, planes.shape), predict(model, planes, settings=TILED))
    assert [event.done for event in events] == list(range(1, len(events) + 1))
    assert {event.total for event in events} == {len(events)}


def test_nearest_to_the_focus_come_first(model):
    events = list(iter_tiles(model, image(3, 90, 75), settings=TILED, focus=(1, 80.0, 5.0)))
    first = events[0]
    assert first.plane == 1
    assert first.y.start <= 80 < first.y.stop
    assert first.x.start <= 5 < first.x.stop
    middle = [((e.y.start + e.y.stop) / 2 - 80) ** 2 + ((e.x.start + e.x.stop) / 2 - 5) ** 2 for e in events]
    here = [m for m, event in zip(middle, events, strict=True) if event.plane == 1]
    assert here == sorted(here)
    assert [event.plane for event in events] == sorted([e.plane for e in events], key=lambda p: abs(p - 1))


def test_time_left(model):
    left = [event.seconds_left for event in iter_tiles(model, image(90, 75), settings=TILED)]
    assert left[0] is None
    assert all(seconds > 0 for seconds in left[1:-1])
    assert left[-1] == 0


def test_cancelled_between_windows(model):
    done = []
    tiles = iter_tiles(model, image(90, 75), settings=TILED, cancel=lambda: len(done) == 2)
    with pytest.raises(Cancelled, match="stopped after 2 of"):
        collect(tiles, done)
    assert len(done) == 2


def test_a_region_is_exactly_what_the_whole_plane_has_there(model):
    planes = image(2, 150, 140)
    whole = predict(model, planes, settings=STRICT)
    window = slice(37, 104), slice(51, 70)
    events = list(iter_tiles(model, planes, settings=TILED, planes=[1], window=window))
    result = replay(events, planes.shape)
    np.testing.assert_allclose(result[1][window], whole[1][window], atol=1e-5)
    assert np.isfinite(result).sum() == 67 * 19
    # The windows cover the region and its halo, not the plane.
    assert len(events) < len(list(iter_tiles(model, planes, settings=TILED, planes=[1])))


def test_slices_of_a_region_may_be_open(model):
    events = list(iter_tiles(model, image(1, 40, 50), settings=STRICT, window=(slice(None), slice(-10, None))))
    assert [(event.y, event.x) for event in events] == [(slice(0, 40), slice(40, 50))]


def test_planes_in_the_order_asked_for(model):
    events = iter_tiles(model, image(5, 20, 20), settings=TILED, planes=[3, 0, 3])
    assert [event.plane for event in events] == [3, 0]


def test_what_the_stack_does_not_have(model):
    with pytest.raises(InferenceError, match="cells has the planes 0 to 1, not 2"):
        list(iter_tiles(model, as_stack(image(2, 20, 20), name="cells"), settings=STRICT, planes=[0, 2]))
    stack = as_stack(image(2, 20, 20), name="cells")
    with pytest.raises(InferenceError, match="holds no pixel of cells, whose planes are 20×20"):
        list(iter_tiles(model, stack, settings=STRICT, window=(slice(20, 30), slice(0, 5))))


def test_statistics_are_those_of_the_stack_and_not_of_the_tile(model):
    planes = image(2, 60, 60)
    planes[1] *= 100
    stack = as_stack(planes)
    alone = predict(model, planes[0], settings=STRICT)
    together = predict(model, stack, settings=STRICT)[0]
    assert not np.allclose(alone, together, atol=1e-3)
    statistics = stack_statistics(model, stack)
    one = list(iter_tiles(model, planes[0], settings=STRICT, statistics=statistics))
    np.testing.assert_allclose(replay(one, (1, 60, 60))[0], together, atol=1e-6)


def test_a_predictor_that_is_lent_stays_open_and_one_that_is_made_is_closed(model, monkeypatch):
    closed = []
    monkeypatch.setattr(Predictor, "close", lambda self: closed.append(self))
    predictor = Predictor(model, STRICT)
    list(iter_tiles(model, image(20, 20), predictor=predictor))
    assert closed == []
    list(iter_tiles(model, image(20, 20), settings=STRICT))
    assert len(closed) == 1


def test_small_planes_are_batched(model):
    shapes = []
    with Predictor(model, STRICT) as predictor:
        call = type(predictor).__call__

        class Watching(Predictor):
            def __call__(self, batch):
                shapes.append(batch.shape)
                return call(self, batch)

        predictor.__class__ = Watching
        predict(model, image(20, 100, 100), predictor=predictor)
    assert shapes == [(20, 1, 100, 100)]
