"""What is compared with what, in words."""

import numpy as np
import pytest

from napari_unets.metrics import Evaluation
from napari_unets.metrics.record import class_names_of_record, options_of_record
from napari_unets.metrics.rule import rule_of_prediction, rule_of_truth

MASK = np.array([[0, 255], [255, 255]], np.uint8)
PROBABILITY = np.array([[0.1, 0.9], [0.8, 0.7]], np.float32)


@pytest.mark.parametrize(
    ("truth", "options", "said"),
    [
        (MASK, {}, "Positive are cells: 255 in the truth (a mask: 0 and 255); 0 is membrane."),
        (MASK, {"kind": "document"}, "Positive is ink: 0 in the truth (a mask: 0 and 255); 255 is paper."),
        (MASK, {"metrics": "psnr"}, "Positive is ink: 0 in the truth"),
        (MASK, {"kind": "instances"}, "Positive are objects: 255 in the truth"),
        (np.array([[0, 40], [200, 255]], np.uint8), {"kind": "document"}, "what is dark in the truth"),
        (
            np.array([[1, 2], [2, 0]], np.uint8),
            {"kind": "em"},
            "not annotated and left out. Positive is class 2, cells.",
        ),
        (np.array([[1, 2], [3, 0]], np.uint8), {}, "No class is positive"),
        (np.array([[0, 5], [9, 700]], np.uint16), {}, "each id is an object"),
    ],
)
def test_rule_of_the_truth(truth, options, said):
    assert said in rule_of_truth(Evaluation(PROBABILITY, truth, **options))


@pytest.mark.parametrize(
    ("prediction", "options", "said"),
    [
        (PROBABILITY, {}, "probabilities of cells"),
        (PROBABILITY, {"probability_of": "background"}, "probabilities of membrane (class 1); cells: 1 − p"),
        (PROBABILITY, {"probability_of": "background", "kind": "document"}, "probabilities of ink (class 1)"),
        (np.array([[1, 2], [2, 2]], np.uint8), {}, "class ids 1, 2: 1 is membrane, 2 cells"),
        (np.array([[1, 2], [3, 2]], np.uint8), {}, "class ids 1, 2, 3: 1 is membrane, the others cells"),
        (MASK > 0, {}, "0 is membrane, the other cells"),
        (np.array([[0, 5], [9, 700]], np.uint16), {}, "ids of objects, 0 = none"),
    ],
)
def test_rule_of_the_prediction(prediction, options, said):
    assert said in rule_of_prediction(Evaluation(prediction, MASK, **options))


def test_names_of_classes_in_our_own_files():
    classes = [{"id": 1, "name": "ink"}, {"id": 2, "name": "paper"}, {"name": "of no class"}]
    assert class_names_of_record({"classes": classes}) == {"1": "ink", "2": "paper"}
    assert class_names_of_record({}) == {}


def test_record_of_our_own_files():
    ink = {"output": "probabilities", "classes": [{"id": 1, "name": "ink"}, {"id": 2, "name": "paper"}]}
    assert options_of_record(ink) == {
        "kind": "document",
        "prediction_is": "probabilities",
        "probability_of": "background",
    }
    assert options_of_record({"output": "segmentation", "classes": []}) == {"prediction_is": "classes"}
    assert options_of_record({"output": "instances"}) == {"prediction_is": "instances"}
    assert options_of_record({}) == {}
