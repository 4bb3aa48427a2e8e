"""What the numbers of images are taken for, where little of them can be seen at first."""

import numpy as np
import pytest

from napari_unets.metrics import evaluate
from napari_unets.metrics.reading import Reading, read_prediction, read_truth


@pytest.fixture
def cells():
    """A hundred planes of class ids: a grid of class 1, class 2 between."""
    planes = np.full((100, 24, 24), 2, np.uint8)
    planes[:, ::8] = 1
    planes[:, :, ::8] = 1
    return planes


@pytest.mark.parametrize("annotated", [1, 3, 50])
def test_one_annotated_plane_of_a_hundred_is_found(cells, annotated):
    truth = np.zeros_like(cells)
    truth[annotated] = cells[annotated]
    assert read_truth(truth).form == "classes"
    assert evaluate(cells, truth, ["v_rand", "dice"]) | {"undefined": {}} == {"v_rand": 1.0, "v_rand_split": 1.0} | {
        "v_rand_merge": 1.0,
        "dice": 1.0,
        "undefined": {},
    }


def test_a_second_class_on_a_plane_that_is_not_sampled_is_found(cells):
    truth = np.zeros_like(cells)
    truth[0, :4], truth[1, :4] = 1, 2
    assert read_truth(truth).values == (1, 2)
    objects = np.zeros(cells.shape, np.uint32)
    objects[0, :4], objects[1, :4] = 7, 9
    assert read_truth(objects).form == "instances"


def test_of_a_full_stack_32_planes_are_read(cells):
    read = []

    class Counting:
        shape, dtype = cells.shape, cells.dtype

        def __getitem__(self, index):
            read.append(index)
            return cells[index]

    assert read_truth(Counting()).values == (1, 2)
    assert len(read) == 32


@pytest.mark.parametrize("kind", [None, "em"])
def test_a_truth_of_nothing_but_0_is_not_annotated(kind):
    empty = np.zeros((40, 8, 8), np.uint8)
    scores = evaluate(empty + 2, empty, ["v_rand", "dice"], kind=kind)
    assert np.isnan([scores["v_rand"], scores["dice"]]).all()  # nothing is annotated; a Dice of 0 would be wrong
    assert set(scores["undefined"]) == {"v_rand", "dice"}
    assert read_truth(empty > 0, kind=kind).form == "mask"


def test_images_without_objects_are_scored():
    empty, found = np.zeros((8, 8), np.uint8), np.ones((8, 8), np.uint8)
    assert evaluate(found, empty, ["ap50"], kind="instances") == {"ap50": 0.0}
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert evaluate(grey, empty.astype(np.uint16), ["ap50"], truth_is="instances") == {"ap50": 0.0}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_class_ids_of_any_type_against_a_truth_that_lacks_a_class(dtype):
    truth = np.array([[1, 1, 2, 2, 0, 0]], np.uint8)
    assert evaluate(np.array([[1, 1, 2, 2, 3, 3]], dtype), truth, ["dice"]) == {"dice": 1.0}


def test_negative_class_ids_are_no_class():
    truth = np.array([[1, 1, 2, 2]], np.uint8)
    prediction = np.array([[1, -1, 2, 2]], np.int32)
    scores = evaluate(prediction, truth, ["pixel_error"], prediction_is="classes", per_class=True)
    assert scores["pixel_error"] == 0.25
    assert scores["per_class"]["1"] == {"dice": pytest.approx(2 / 3), "jaccard": 0.5, "precision": 1.0, "recall": 0.5}
    assert scores["per_class"]["2"]["dice"] == 1.0
    reading = read_prediction(prediction, Reading("classes", (1, 2)), form="classes")
    assert reading.words == "class ids 1, 2, negative ones = no class"


@pytest.mark.parametrize("dtype", ["bool", "u1", "i1", ">u2", "<i4", "u8", "f2", ">f4", "f8"])
def test_values_of_every_type(dtype):
    assert read_truth(np.array([[0, 1, 1, 1]], dtype), form="mask").values == (1,)


@pytest.mark.parametrize("values", [(5, 2**40), (2**63 + 1, 2**63 + 2)])
def test_very_large_values(values):
    assert read_truth(np.array([[0, *values]], np.uint64)).values == values


@pytest.mark.parametrize("largest", [2, 3, 255, 1000])
def test_whole_floats_beyond_1_are_labels(largest):
    """As ImageJ keeps them; NaN counts as none."""
    labels = np.repeat(np.arange(12, dtype=np.int32) % 4, 100).reshape(2, 20, 30)
    labels[labels == 3] = largest
    truth = (labels > 0).astype(np.uint8)
    floats = np.where((labels == 0) & (np.arange(30) < 3), np.nan, labels)
    expected = evaluate(labels, truth, ["v_rand", "dice"])
    assert evaluate(floats, truth, ["v_rand", "dice"]) == expected
    assert expected["v_rand"] > 0


def test_floats_of_0_and_1_are_probabilities_unless_it_is_said():
    floats = np.array([[0.0, 1.0, 1.0, 0.0]])
    truth = Reading("mask", (1,))
    assert read_prediction(floats, truth).form == "probabilities"
    assert read_prediction(floats, truth, form="mask").form == "mask"
    assert read_prediction(floats + 0.25, truth).form == "probabilities"
    assert read_prediction(floats * 2.5, truth).form == "probabilities"
