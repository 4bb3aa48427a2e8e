"""Dice, Jaccard, precision, recall, pixel error and average precision, worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unets.metrics import evaluate
from napari_unets.metrics.average_precision import average_precision
from napari_unets.metrics.pixels import class_scores, confusion, pixel_error

TRUTH = np.array([[0, 0, 255, 255], [0, 255, 255, 255]], dtype=np.uint8)
FOUND = np.array([[0, 1, 1, 1], [0, 0, 1, 1]], dtype=np.uint8)  # 4 hits, 1 too many, 1 missed, 2 rightly empty


def test_binary_scores_by_hand():
    scores = evaluate(FOUND, TRUTH, ["dice", "jaccard", "precision", "recall", "pixel_error"], per_class=True)
    assert scores["dice"] == pytest.approx(8 / 10)
    assert scores["jaccard"] == pytest.approx(4 / 6)
    assert scores["precision"] == pytest.approx(4 / 5)
    assert scores["recall"] == pytest.approx(4 / 5)
    assert scores["pixel_error"] == pytest.approx(2 / 8)
    assert scores["per_class"]["255"]["dice"] == scores["dice"]
    assert scores["per_class"]["0"] == pytest.approx(
        {"dice": 4 / 6, "jaccard": 2 / 4, "precision": 2 / 3, "recall": 2 / 3}
    )


def test_classes_are_compared_one_by_one_and_0_is_not_annotated():
    truth = np.array([[1, 1, 2, 2], [3, 3, 0, 0]], dtype=np.uint8)
    found = np.array([[1, 2, 2, 2], [3, 1, 1, 2]], dtype=np.uint8)
    scores = evaluate(found, truth, ["dice", "pixel_error"], per_class=True)
    assert {label: of["dice"] for label, of in scores["per_class"].items()} == pytest.approx(
        {"1": 2 / 4, "2": 4 / 5, "3": 2 / 3}
    )
    assert scores["dice"] == pytest.approx((2 / 4 + 4 / 5 + 2 / 3) / 3)
    assert scores["pixel_error"] == pytest.approx(2 / 6)


def test_class_ids_against_a_mask_class_1_is_its_zero():
    classes = np.where(FOUND > 0, 2, 1).astype(np.uint8)
    names = ["v_rand", "dice", "pixel_error", "precision"]
    assert evaluate(classes, TRUTH, names) == evaluate(FOUND, TRUTH, names)
    as_truth = np.where(TRUTH > 0, 2, 1).astype(np.uint8)
    assert evaluate(FOUND, as_truth, names, kind="em") == evaluate(FOUND, TRUTH, names)
    both = evaluate(classes, as_truth, names, kind="em")
    assert both == evaluate(FOUND, TRUTH, names)


def test_what_kind_and_positive_make_positive():
    assert evaluate(FOUND, TRUTH, ["dice"], kind="em")["dice"] == pytest.approx(8 / 10)
    assert evaluate(FOUND, TRUTH, ["dice"], kind="document")["dice"] == pytest.approx(4 / 6)
    assert evaluate(FOUND, TRUTH, ["dice"], positive=0)["dice"] == pytest.approx(4 / 6)
    classes, truth = FOUND + np.uint8(1), (TRUTH > 0) + np.uint8(1)
    assert evaluate(classes, truth, ["dice"], positive=1)["dice"] == pytest.approx(4 / 6)
    assert evaluate(classes, truth, ["dice"], kind="document")["dice"] == pytest.approx(4 / 6)
    assert evaluate(classes, truth, ["dice"], kind="em")["dice"] == pytest.approx(8 / 10)
    assert evaluate(classes, truth, ["dice"])["dice"] == pytest.approx((8 / 10 + 4 / 6) / 2)


def test_probabilities_are_cut_at_the_threshold_and_not_on_it():
    probability = np.array([[0.5, 0.5, 0.9, 0.9], [0.2, 0.4, 0.9, 0.9]])
    assert evaluate(probability, TRUTH, ["recall", "precision"]) == pytest.approx({"recall": 4 / 5, "precision": 1.0})
    assert evaluate(probability, TRUTH, ["recall"], threshold=0.3)["recall"] == 1.0


def test_probability_of_membrane_is_turned_around():
    probability = np.random.default_rng(0).random((2, 4), dtype=np.float32)
    names = ["v_rand", "dice"]
    turned = evaluate(np.float32(1) - probability, TRUTH, names, probability_of="background")
    assert turned == pytest.approx(evaluate(probability, TRUTH, names, probability_of="foreground"))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_dice_jaccard_and_pixel_error_are_symmetric(pixels):
    truth, found = np.array(pixels).T
    counts, turned = confusion(truth, found, 3), confusion(found, truth, 3)
    assert pixel_error(counts) == pixel_error(turned)
    for label in range(3):
        one, other = class_scores(counts, label), class_scores(turned, label)
        assert one["dice"] == pytest.approx(other["dice"], nan_ok=True)
        assert one["jaccard"] == pytest.approx(one["dice"] / (2 - one["dice"]), nan_ok=True)
        assert one["precision"] == pytest.approx(other["recall"], nan_ok=True)
    assert all(value == 1.0 or np.isnan(value) for value in class_scores(confusion(truth, truth, 3), 1).values())


TRUE_OBJECTS = np.array([[4, 4, 4, 4, 0, 7, 7, 0, 9, 9]])
FOUND_OBJECTS = np.array([[1, 1, 1, 0, 0, 2, 2, 2, 0, 0]])  # IoU 3/4 with 4, 2/3 with 7, 9 is missed


def test_average_precision_of_objects_by_hand():
    assert average_precision(TRUE_OBJECTS, FOUND_OBJECTS, [0.5, 0.7, 0.75, 0.9]) == pytest.approx([2 / 3, 1 / 4, 0, 0])
    scores = evaluate(FOUND_OBJECTS, TRUE_OBJECTS, ["ap50", "ap70", "ap90", "ap66.5"], kind="instances")
    assert scores == pytest.approx({"ap50": 2 / 3, "ap70": 1 / 4, "ap90": 0.0, "ap66.5": 2 / 3})


def test_low_overlaps_match_as_many_objects_as_possible():
    truth = np.array([[1, 1, 1, 1, 1, 2, 2]])
    found = np.array([[3, 3, 4, 4, 4, 4, 4]])
    # 1 overlaps both (2/5 and 3/7), 2 overlaps 4 only (2/5): 1–3 and 2–4 are found
    assert average_precision(truth, found, [0.35]) == [1.0]


def test_average_precision_ignores_ids_and_respects_the_mask():
    renamed = np.where(TRUE_OBJECTS > 0, 4_000_000_000 - TRUE_OBJECTS.astype(np.int64), 0)
    assert average_precision(renamed, FOUND_OBJECTS, [0.5]) == pytest.approx([2 / 3])
    mask = TRUE_OBJECTS != 9
    assert average_precision(TRUE_OBJECTS, FOUND_OBJECTS, [0.5], mask) == [1.0]
    assert np.isnan(average_precision(TRUE_OBJECTS * 0, FOUND_OBJECTS * 0, [0.5])[0])
    assert average_precision(TRUE_OBJECTS * 0, FOUND_OBJECTS, [0.5]) == [0.0]


def test_average_precision_of_images_is_the_share_above_the_overlap():
    truth = np.ones((4, 1, 20), dtype=np.uint8)
    truth[:, :, 10:] = 0
    found = np.zeros_like(truth)
    for plane, n in enumerate((10, 8, 6, 5)):  # IoU 1, 0.8, 0.6, 0.5
        found[plane, :, :n] = 1
    scores = evaluate(found, truth, ["ap50", "ap70", "ap90"], per_slice=True)
    assert (scores["ap50"], scores["ap70"], scores["ap90"]) == (0.75, 0.5, 0.25)
    assert [of["ap50"] for of in scores["per_slice"]] == [1.0, 1.0, 1.0, 0.0]


def test_objects_of_a_mask_are_its_components():
    truth = np.array([[0, 1, 1, 0, 1, 1]], dtype=bool)
    found = np.array([[0, 1, 1, 0, 0, 1]], dtype=bool)
    assert evaluate(found, truth, ["ap50", "ap40"], kind="instances") == pytest.approx({"ap50": 1 / 3, "ap40": 1.0})
