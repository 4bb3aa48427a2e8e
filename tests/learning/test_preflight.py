"""What is said of annotations before anything is learnt from them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.learning import AnnotatedStack
from napari_unets.learning.preflight import preflight
from napari_unets.models import ClassInfo

CLASSES = [ClassInfo(id=1, name="membrane", color="#d1495b"), ClassInfo(id=2, name="cell", color="#3a86c8")]


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 255, (3, 128, 256), np.uint8)


@pytest.fixture
def painted(image):
    """Strokes of both classes on slice 1, enough to keep some of them aside."""
    ids = np.zeros_like(image)
    ids[1, 10:20], ids[1, 100:110] = 1, 2
    return ids


def look(image, ids):
    return preflight([AnnotatedStack.of(image, ids)], CLASSES)


def test_all_is_well(image, painted):
    report = look(image, painted)
    assert report.uses == [f"{report.uses[0].partition(':')[0]}: 1 annotated slice (1)", report.uses[1]]
    assert report.uses[1] == "membrane: 2,560 pixels, cell: 2,560 pixels"
    assert not report.problems
    assert not report.warnings


def test_too_little_to_keep_any_aside_is_said(image, painted):
    painted[:, :, 40:] = 0
    report = look(image, painted)
    assert not report.problems
    assert len(report.warnings) == 1
    assert "nothing is validated" in report.warnings[0]


def test_a_class_that_fades_is_named(image, painted):
    more = [*CLASSES, ClassInfo(id=3, name="vesicle", color="#7fb069")]
    report = preflight([AnnotatedStack.of(image, painted)], more)
    assert not report.problems
    assert report.warnings == [
        "nothing is annotated as vesicle: it is not learnt, and what the model knows of it may fade"
    ]


def test_one_class_only(image, painted):
    painted[painted == 2] = 0
    (problem,) = look(image, painted).problems
    assert problem.startswith("all 2,560 annotated pixels are membrane: paint some pixels of another class too")


def test_a_class_that_the_model_does_not_have(image, painted):
    painted[painted == 2] = 7
    assert any(
        "class 7" in problem and "add the class or erase" in problem for problem in look(image, painted).problems
    )


def test_a_constant_slice(image, painted):
    image[1] = 9
    (problem,) = look(image, painted).problems
    assert "one single grey value on slice 1" in problem
