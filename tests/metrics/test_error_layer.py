"""Where the error layer puts its marks."""

import numpy as np
import pytest

from napari_unets.metrics import DOCUMENT_ERRORS, SEGMENT_ERRORS, error_layer, evaluate


def two_cells(width=3):
    truth = np.full((20, 31), 255, dtype=np.uint8)
    truth[:, 15 - width // 2 : 16 + width // 2] = 0
    return truth


def test_nothing_is_wrong_with_the_truth_itself():
    truth = two_cells()
    assert not error_layer(truth > 0, truth).any()


def test_false_membrane_is_a_split_along_its_line():
    truth = two_cells()
    found = truth > 0
    found[9:12, :14] = False
    errors = error_layer(found, truth)
    assert set(np.unique(errors)) == {0, 1}
    assert np.nonzero(errors == 1)[0].tolist() == [10] * 14
    assert "split" in SEGMENT_ERRORS[1][0]


def test_membrane_with_a_hole_is_a_merge_and_the_hole_is_the_gap():
    truth = two_cells()
    found = truth > 0
    found[8:11, :] = True
    errors = error_layer(found, truth)
    assert (errors[:, 15] > 0).all()
    assert not errors[:, :15].any()
    assert np.flatnonzero(errors[:, 15] == 3).tolist() == [8, 9, 10]
    assert "gap" in SEGMENT_ERRORS[3][0]


def test_shifted_membrane_is_neither():
    truth = two_cells()
    found = np.roll(truth, 3, axis=1) > 0
    found[:, :3] = True
    assert evaluate(found, truth, ["v_rand"])["v_rand"] < 1.0
    assert not error_layer(found, truth).any()


def test_membrane_that_ends_in_the_open_is_no_error():
    truth = np.full((12, 12), 255, dtype=np.uint8)
    found = truth > 0
    found[:6, 5] = False
    assert not error_layer(found, truth).any()


def test_probabilities_are_cut_at_the_threshold():
    truth = two_cells()
    probability = np.where(truth > 0, 0.9, 0.6).astype(np.float32)
    assert set(np.unique(error_layer(probability, truth, 0.5))) == {0, 3}
    assert not error_layer(probability, truth, 0.7).any()


def test_objects_that_touch():
    truth = np.repeat([[1, 1, 1, 2, 2, 2]], 4, axis=0).astype(np.uint32)
    truth[0, 0] = 3
    joined = np.where(truth == 2, 1, truth)
    assert (error_layer(joined, truth, kind="instances")[2] > 0).tolist() == [False, False, True, False, False, False]
    assert (error_layer(truth, joined, kind="instances")[2] == 1).tolist() == [False, False, True, False, False, False]


def test_missed_and_spurious_ink():
    paper = np.full((8, 8), 255, dtype=np.uint8)
    paper[2:4, 2:6] = 0
    found = paper > 0
    found[2, 2] = True
    found[6, 6] = False
    errors = error_layer(found, paper, kind="document")
    assert errors[2, 2] == 1
    assert errors[6, 6] == 2
    assert np.count_nonzero(errors) == 2
    assert DOCUMENT_ERRORS[1][0] == "missed ink"


def test_mask_and_stack():
    truth = np.stack([two_cells()] * 2)
    found = truth > 0
    found[1, 9:12, :14] = False
    errors = error_layer(found, truth)
    assert not errors[0].any()
    assert errors[1].any()
    assert not error_layer(found, truth, mask=np.zeros(truth.shape, dtype=bool)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_tiny_images(shape):
    truth = np.ones(shape, dtype=np.uint8)
    assert error_layer(truth > 0, truth).shape == shape


@pytest.mark.parametrize("ids", [(-5, -9, -7), (2**33, 2**34, 2**35)])
def test_objects_of_any_id(ids):
    truth = two_cells()
    truth[:, 16:] //= 2
    found = np.where(truth == 255, ids[0], np.where(truth == 127, ids[1], 0))
    found[:10, :14] = ids[2]
    errors = error_layer(found, truth, truth_is="instances", prediction_is="instances")
    rows, columns = np.nonzero(errors == 1)  # the two parts of the left cell
    assert 9 <= rows.min() <= rows.max() <= 10
    assert columns.max() <= 14
    assert not (errors > 1).any()
