"""Scores of what is kept aside: only its surroundings are computed, and only as often as something may have changed."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support import tiny_model

import napari_unets.learning.validation as validation
from napari_unets.images import as_stack
from napari_unets.inference import InferenceSettings, predict, stack_statistics
from napari_unets.learning.fine_tuning import fine_tune
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.models import Model, new_model

STRICT = InferenceSettings(device="cpu", backend="torch", precision="fp32")


@pytest.fixture
def windows(monkeypatch) -> list[tuple[int, tuple[slice, slice]]]:
    """Planes and regions that are computed."""
    seen = []
    iter_tiles = validation.iter_tiles

    def spy(*arguments, planes, window, **others):
        seen.extend((plane, window) for plane in planes)
        return iter_tiles(*arguments, planes=planes, window=window, **others)

    monkeypatch.setattr(validation, "iter_tiles", spy)
    return seen


def held_out(model: Model) -> tuple[HeldOutPlanes, np.ndarray, dict[int, np.ndarray]]:
    image = np.random.default_rng(0).normal(size=(3, 96, 80)).astype(np.float32)
    annotations = {plane: np.zeros((96, 80), np.uint8) for plane in range(3)}
    annotations[0][20:26, 30:50] = 1
    annotations[0][60:64, 35:44] = 2
    annotations[2][0, :] = 2
    annotations[2][5, 7] = 1
    stack = as_stack(image)
    return HeldOutPlanes(model.card, stack, annotations, stack_statistics(model, stack), STRICT), image, annotations


def test_only_the_surroundings_of_annotations_are_computed(windows) -> None:
    model = tiny_model()
    part, image, annotations = held_out(model)
    scores = part(model.network)
    assert windows == [(0, (slice(20, 64), slice(30, 50))), (2, (slice(0, 6), slice(0, 80)))]
    whole = predict(model, image, settings=STRICT)
    known = np.stack(list(annotations.values()))
    expected = [validation._dice((whole > 0.5)[known > 0] == (c == 1), known[known > 0] == c) for c in (1, 2)]
    assert scores["dice"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert part.dice_at(model.network, [0.5]) == pytest.approx(scores["dice"])


def test_strokes_far_apart_are_computed_each_by_itself(windows) -> None:
    model = tiny_model()
    image = np.random.default_rng(0).normal(size=(1, 400, 500)).astype(np.float32)
    ids = np.zeros((400, 500), np.uint8)
    ids[3:9, 5:60] = 1
    ids[60:70, 62:70] = 2  # in the next square: one group with those
    ids[390:, 480:490] = 2
    ids[200:210, 300:310] = 1
    ids[:6, 300] = 2  # above those, two squares away
    stack = as_stack(image)
    part = HeldOutPlanes(model.card, stack, {0: ids}, stack_statistics(model, stack), STRICT)
    probabilities, found = part.annotated(model.network)
    assert sorted(windows) == [
        (0, (slice(0, 6), slice(300, 301))),
        (0, (slice(3, 70), slice(5, 70))),
        (0, (slice(200, 210), slice(300, 310))),
        (0, (slice(390, 400), slice(480, 490))),
    ]
    assert len(found) == np.count_nonzero(ids)
    whole = np.asarray(predict(model, image, settings=STRICT))[0]
    for class_id in (1, 2):
        p = np.sort(probabilities[0, found == class_id])
        assert p == pytest.approx(np.sort(whole[ids == class_id]), abs=1e-5)


@pytest.mark.parametrize(("batch_norm", "times"), [(False, 2), (True, 4)])
def test_a_run_validates_no_more_than_it_must(batch_norm, times, monkeypatch) -> None:
    """At the start and at the end; of a model with other statistics than the stack's also those of both."""
    asked = []
    monkeypatch.setattr(HeldOutPlanes, "__call__", lambda _self, net: asked.append(net) or {"dice": 0.5})
    _, image, annotations = held_out(tiny_model())
    ids = np.stack(list(annotations.values()))
    ids[1, 10:30, 10:30] = 1
    ids[1, 40:60, 40:60] = 2
    settings = {"width": 4, "depth": 1, "batch_norm": batch_norm}
    parent = new_model("parent", "unet", ["membrane", "cell"], task="em", settings=settings)
    quick = {"steps": 1, "batch": 1, "patch": 32, "precision": "fp32", "device": "cpu"}
    fine_tune(parent, image, ids, from_scratch=False, **quick)
    assert len(asked) == times
