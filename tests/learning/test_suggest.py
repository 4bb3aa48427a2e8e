"""Suggestions: where a model is least sure, and never where something is annotated."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.images import as_stack
from napari_unets.inference import InferenceSettings, Predictor, stack_statistics
from napari_unets.learning import SparseAnnotations, best_slice, iter_uncertainty
from napari_unets.learning.doubt import PlaneUncertainty, spread_planes
from napari_unets.learning.head import grow_head
from napari_unets.learning.suggest import _spot, uncertainty
from napari_unets.models import ClassInfo, Model


def test_uncertainty_by_hand() -> None:
    sure, doubtful = np.full((3, 1, 1), 1.0), np.full((3, 1, 1), 0.5)
    assert uncertainty(sure)[0, 0] == pytest.approx(0, abs=1e-4)
    assert uncertainty(doubtful)[0, 0] == pytest.approx(1)  # one bit, and the views agree on it
    contradicting = np.array([0.0, 1.0]).reshape(2, 1, 1)
    assert uncertainty(contradicting)[0, 0] == pytest.approx(2, abs=1e-3)  # the bit is all disagreement
    thirds = np.full((2, 3, 1, 1), 1 / 3)
    assert uncertainty(thirds)[0, 0] == pytest.approx(np.log2(3))


def test_spot_is_the_worst_square_without_annotations() -> None:
    doubt = np.zeros((40, 50), np.float32)
    doubt[5:15, 10:20] = 1
    doubt[25:35, 30:40] = 0.5
    free = np.ones(doubt.shape, bool)
    where, score = _spot(doubt, free, 10)
    assert where == (slice(5, 15), slice(10, 20))
    assert score == pytest.approx(1)
    free[10, 15] = False  # one painted pixel there
    where, score = _spot(doubt, free, 10)
    assert where is not None
    assert free[where].all()
    assert score <= 0.51 or where[0].stop <= 10 or where[0].start > 10 or where[1].stop <= 15 or where[1].start > 15
    assert _spot(doubt, np.zeros_like(free), 10) == (None, 0.0)
    assert _spot(doubt, np.ones_like(free), 200)[0] == (slice(0, 40), slice(0, 50))


def test_planes_are_spread_and_keep_away_from_annotated_ones() -> None:
    assert spread_planes(10, [], most=3) == [0, 4, 9]
    assert set(spread_planes(10, [4], most=20)) == {0, 1, 2, 6, 7, 8, 9}
    assert spread_planes(2, [0], most=5) == [1]
    assert spread_planes(2, [0, 1]) == []


def test_best_slice_prefers_those_without_annotations() -> None:
    def one(plane: int, score: float, annotated: bool) -> PlaneUncertainty:
        return PlaneUncertainty(plane, score, None, 0.0, annotated, 1, 1)

    assert best_slice([]) is None
    found = best_slice([one(0, 0.9, True), one(1, 0.2, False), one(2, 0.4, False)])
    assert found is not None
    assert found.plane == 2
    assert best_slice([one(3, 0.1, True)]) is not None


@pytest.mark.parametrize("classes", [1, 3])
def test_planes_stream_and_annotated_pixels_do_not_count(classes) -> None:
    model = tiny_model()
    if classes == 3:
        network = grow_head(model.network, 3)
        three = [ClassInfo(id=i, name=f"kind {i}", color="#ffffff") for i in (1, 2, 3)]
        model = Model(
            model.card.model_copy(update={"network_config": network.config, "classes": three}), network=network
        )
    rng = np.random.default_rng(0)
    stack = as_stack(rng.integers(0, 255, (3, 48, 64)).astype(np.uint8))
    painted = np.zeros((48, 64), np.uint8)
    painted[:, :32] = 1
    annotations = SparseAnnotations((3, 48, 64), {1: painted})
    predictor = Predictor(model, InferenceSettings(backend="torch", precision="fp32", device="cpu"))
    found = iter_uncertainty(
        model, stack, predictor, statistics=stack_statistics(model, stack), annotations=annotations, spot=16
    )
    first = next(found)
    assert (first.plane, first.done, first.total, first.annotated) == (0, 1, 3, False)
    rest = list(found)
    predictor.close()
    assert rest[0].annotated
    assert rest[0].spot is not None
    assert (painted[rest[0].spot] == 0).all()
    assert all(0 < one.score <= 2 * np.log2(3) for one in [first, *rest])
