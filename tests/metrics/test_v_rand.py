"""V_rand and V_info against cases worked by hand, the reference program's figures, and their own properties."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_unets.metrics import ISBI_THRESHOLDS, ShapeMismatchError, evaluate, v_info, v_rand
from napari_unets.metrics.overlap import Overlap, overlap
from napari_unets.metrics.segment_scores import info_scores, rand_scores, rand_terms
from napari_unets.metrics.thinning import thinned_segments

CASES = [
    "smoothed_raw",
    "blurred_truth_with_noise",
    "thick_membranes",
    "ridge_filter_crop",
    "toy_thick_wall",
    "toy_split",
    "toy_even_wall",
    "toy_random",
]


def load_case(folder, name):
    cases = json.loads((folder / "v_rand_cases" / "cases.json").read_text())["cases"]
    with np.load(folder / "v_rand_cases" / f"{name}.npz") as arrays_:
        probability = ((arrays_["proposal"] + arrays_["offset"]) / arrays_["scale"]).astype(np.float32)
        return probability, arrays_["truth"], cases[name]


@pytest.mark.parametrize("name", CASES)
def test_reference_case(shared_reference, name):
    probability, truth, expected = load_case(shared_reference, name)
    scores = evaluate(probability, truth, ["v_rand", "v_info", "pixel_error"], per_slice=True, curve=True)
    for key in ("v_rand", "v_info"):
        assert scores[key] == pytest.approx(expected[key], abs=1e-9)
        assert scores[f"{key}_threshold"] == expected[f"{key}_threshold"]
    assert scores["pixel_error"] == pytest.approx(expected["pixel_error_at_0.5"], abs=1e-12)
    curve = np.array(expected["v_rand_curve"])
    assert np.array_equal(np.array(scores["v_rand_curve"])[:, 0], curve[:, 0])
    assert np.array(scores["v_rand_curve"])[:, 1] == pytest.approx(curve[:, 1], abs=1e-9)
    assert len(scores["per_slice"]) == len(expected["per_slice"])
    for of_slice, wanted in zip(scores["per_slice"], expected["per_slice"], strict=True):
        for key, value in wanted.items():
            assert of_slice[key] == pytest.approx(value, abs=1e-9)


def test_thresholds_are_added_up_in_double_precision():
    assert ISBI_THRESHOLDS[3] == 0.30000000000000004
    assert ISBI_THRESHOLDS[8] == 0.7999999999999999
    assert ISBI_THRESHOLDS[10] == 0.9999999999999999
    assert len(ISBI_THRESHOLDS) == 11


def test_probability_is_compared_as_single_precision_value():
    """float32(0.1) lies above 0.1, so it is interior at that threshold, and float32(0.7) below 0.7 is not."""
    truth = np.array([[255, 0, 255]], dtype=np.uint8)
    for p, interior in ((0.1, True), (0.7, False)):
        probability = np.array([[1.0, p, 1.0]], dtype=np.float32)
        merged = v_rand(probability, truth, thresholds=[p]).score < 1.0
        assert merged == interior


def test_merger_by_hand():
    truth = np.array([[255, 255, 0, 255, 255]], dtype=np.uint8)
    score = v_rand(np.ones((1, 5), dtype=np.float32), truth)
    # A = (2² + 2²) / 4² = 1/2, B = 1, AB = 1/2
    assert (score.score, score.split, score.merge) == pytest.approx((2 / 3, 1.0, 0.5))
    assert score.threshold == 0.0
    # at 0.9999999999999999 everything is still interior: a plateau, of which the first threshold is taken
    assert score.values == pytest.approx([2 / 3] * 11)


def test_split_by_hand_counts_the_line_as_segments_of_one_pixel():
    truth = np.full((1, 5), 7)
    prediction = np.array([[True, True, False, True, True]])
    score = v_rand(prediction, truth)
    # A = 1, B = (2² + 2² + 1) / 5², AB = B
    assert (score.score, score.split, score.merge) == pytest.approx((18 / 34, 9 / 25, 1.0))
    assert score.threshold is None


def test_alpha_weighs_merge_against_split():
    truth = np.array([[255, 255, 0, 255, 255]], dtype=np.uint8)
    everything = np.ones((1, 5), dtype=np.float32)
    assert v_rand(everything, truth, alpha=1.0).score == pytest.approx(0.5)
    assert v_rand(everything, truth, alpha=0.0).score == pytest.approx(1.0)
    scan = evaluate(everything, truth, ["v_rand"], alphas=[0.0, 0.5, 1.0])["v_rand_alphas"]
    assert scan == [[0.0, pytest.approx(1.0), 0.0], [0.5, pytest.approx(2 / 3), 0.0], [1.0, pytest.approx(0.5), 0.0]]


def test_v_info_by_hand():
    truth = np.array([[1, 1, 0, 1, 1]])
    assert v_info(truth, truth).score == pytest.approx(1.0)
    everything = v_info(np.ones((1, 5), dtype=bool), truth)
    assert (everything.score, everything.split, everything.merge) == (0.0, 0.0, 1.0)
    # truth 3 + 1 pixels, prediction 2 + 2: H(T) = 0.5623, H(S) = 0.6931, H(T, S) = 1.0397 nats
    score = v_info(np.array([[1, 1, 2, 2]]), np.array([[1, 1, 1, 2]]))
    of_truth = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    of_prediction = np.log(2.0)
    shared = of_truth + of_prediction + (0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    assert score.merge == pytest.approx(shared / of_truth)
    assert score.split == pytest.approx(shared / of_prediction)
    assert score.score == pytest.approx(2.0 / (of_truth / shared + of_prediction / shared))


def count_pairs(truth, predicted):
    """A, B and AB by going through all pairs of pixels."""
    inside = truth > 0
    true, found = truth[inside], predicted[inside].astype(np.int64)
    lines = found == 0
    found[lines] = found.max() + 1 + np.arange(lines.sum())
    in_truth, in_prediction = np.equal.outer(true, true), np.equal.outer(found, found)
    return in_truth.mean(), in_prediction.mean(), (in_truth & in_prediction).mean()


def test_terms_are_shares_of_pairs_of_pixels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        truth = rng.integers(0, 5, (11, 13))
        predicted = thinned_segments(rng.random((11, 13)) < 0.4)
        assert rand_terms(overlap(truth, predicted)) == pytest.approx(count_pairs(truth, predicted))


labels = arrays(np.int32, st.tuples(st.integers(2, 12), st.integers(2, 12)), elements=st.integers(0, 6))


@settings(deadline=None, max_examples=60)
@given(truth=labels)
def test_identity_scores_one(truth):
    truth[0, 0], truth[-1, -1] = 1, 2
    assert v_rand(truth, truth).score == 1.0
    mask = np.where(np.indices(truth.shape).sum(0) % 2 == 0, truth, 0) > 0
    assert v_rand(mask, mask).score == 1.0


@settings(deadline=None, max_examples=60)
@given(truth=labels, seed=st.integers(0, 2**31))
def test_permuting_ids_changes_nothing(truth, seed):
    rng = np.random.default_rng(seed)
    predicted = rng.integers(0, 7, truth.shape)
    ids = np.concatenate([[0], 1 + rng.permutation(6)])
    far_ids = np.concatenate([[0], 2**31 + 7 * rng.permutation(6)])
    expected, permuted = overlap(truth, predicted), overlap(ids[truth], far_ids[predicted])
    assert rand_terms(permuted) == pytest.approx(rand_terms(expected), nan_ok=True)
    assert info_scores(permuted) == pytest.approx(info_scores(expected), nan_ok=True)


@settings(deadline=None, max_examples=60)
@given(truth=labels, seed=st.integers(0, 2**31))
def test_split_and_merge_swap_with_prediction_and_truth(truth, seed):
    truth += 1  # without zeros the two sides have equal rights
    predicted = np.random.default_rng(seed).integers(1, 7, truth.shape)
    one = rand_scores(np.array(rand_terms(overlap(truth, predicted))))
    other = rand_scores(np.array(rand_terms(overlap(predicted, truth))))
    assert one == pytest.approx(other[[0, 2, 1]])
    assert 0.0 < one[0] <= 1.0


def test_both_ways_of_counting_agree(monkeypatch):
    rng = np.random.default_rng(1)
    truth, predicted = rng.integers(0, 40, (60, 70)), rng.integers(0, 90, (60, 70))
    by_table = overlap(truth, predicted)
    monkeypatch.setattr("napari_unets.metrics.overlap._LARGEST_TABLE", 0)
    by_sorting = overlap(truth, predicted)

    def pairs(table):
        return sorted(zip(table.truth, table.predicted, table.count, strict=True))

    assert pairs(by_table) == pairs(by_sorting)
    for name in ("n", "lines"):
        assert getattr(by_table, name) == getattr(by_sorting, name)
    for name in ("truth_sizes", "predicted_sizes"):
        assert np.array_equal(getattr(by_table, name), getattr(by_sorting, name))


def test_overlap_by_hand():
    table = overlap(np.array([[5, 5, 0], [9, 9, 9]]), np.array([[1, 0, 1], [1, 3, 3]]))
    assert (table.n, table.lines) == (5, 1)
    found = {
        (table.truth_ids[t], table.predicted_ids[p]): c
        for t, p, c in zip(table.truth, table.predicted, table.count, strict=True)
    }
    assert found == {(5, 1): 1, (9, 1): 1, (9, 3): 2}


def test_mask_leaves_pixels_out_of_the_table_only():
    truth = np.array([[1, 1, 0, 2, 2]])
    joined = np.array([[True, True, True, True, True]])
    mask = np.array([[True, True, True, False, False]])
    assert v_rand(joined, truth, mask=mask).score == 1.0


def test_volume_joins_what_slices_keep_apart():
    truth = np.zeros((2, 3, 3), dtype=np.uint8)
    truth[0, :, 0] = truth[0, :, 2] = 255
    truth[1] = 255  # a bridge below: one cell in 3-D, three cells in sections
    assert v_rand(truth > 0, truth, volume=True).score == 1.0
    cut = truth > 0
    cut[1, :, 1] = False
    assert v_rand(cut, truth, volume=True).score < 1.0
    assert v_rand(cut, truth, volume=True).per_slice.shape == (1, 1, 3)


def test_shapes_have_to_agree():
    with pytest.raises(ShapeMismatchError, match=r"\(3, 4\).*\(4, 3\).*transpos"):
        v_rand(np.ones((3, 4)), np.ones((4, 3)))


def test_truth_without_cells_is_nan_and_left_out_of_the_mean():
    truth = np.zeros((2, 4, 4), dtype=np.uint8)
    truth[1, :2] = 255
    score = v_rand(truth > 0, truth)
    assert np.isnan(score.per_slice[0]).all()
    assert score.score == 1.0
    assert np.isnan(v_rand(truth[:1] > 0, truth[:1]).score)


def test_a_segment_of_more_pixels_than_the_root_of_what_an_integer_holds():
    sizes = np.array([0, 3_100_000_000])
    one = np.array([1])
    table = Overlap(3_100_000_000, 0, sizes, sizes, one, one, sizes[1:], sizes, sizes)
    assert rand_terms(table) == (1.0, 1.0, 1.0)
