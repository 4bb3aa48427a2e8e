"""Annotations that no model can learn from are refused with what is wrong with them; what is kept aside of others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from napari_unets.images import open_stack
from napari_unets.learning.annotations import AnnotatedStack, split_annotations
from napari_unets.learning.errors import AnnotationError


@pytest.mark.parametrize(("painted", "named"), [((-3, 7), -3), ((1, 300), 300)])
def test_a_value_out_of_range_is_named(painted, named) -> None:
    annotations = np.zeros((1, 32, 32), np.int16)
    annotations[0, 0, :2] = painted
    with pytest.raises(AnnotationError, match=f"holds the value {named};"):
        AnnotatedStack.of(np.zeros(annotations.shape, np.uint8), annotations)


@pytest.mark.parametrize("rounds", [(10, 4, 1, 7), (31, 30, 12, 90, 5, 64, 2, 17, 40)])
def test_what_has_been_learnt_from_is_not_kept_aside_when_more_is_painted(rounds) -> None:
    """Squares of up to four planes, planes of five and more; here by rounds of one more plane each."""
    rng = np.random.default_rng(0)
    planes = {number: rng.integers(0, 3, (200, 200), dtype=np.uint8) for number in rounds}
    splits = [split_annotations({n: planes[n] for n in sorted(rounds[:count])}) for count in range(1, len(rounds) + 1)]
    for before, after in pairwise(splits):
        if before.how.startswith("squares") != after.how.startswith("squares"):
            continue
        for number, learnt in before.training.items():
            assert not (learnt.astype(bool) & after.validation.get(number, np.zeros_like(learnt)).astype(bool)).any()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 10])
def test_about_a_fifth_of_the_planes_is_kept_aside(step: int) -> None:
    planes = {step * i: np.tile(np.uint8([1, 2]), (20, 20)) for i in range(20)}
    for seed in range(5):
        assert 2 <= len(split_annotations(planes, seed=seed).validation) <= 6


def test_too_little_is_validated_on_none() -> None:
    plane = np.zeros((64, 64), np.uint8)
    plane[:2, :20], plane[60:, :20] = 1, 2
    split = split_annotations({0: plane})
    assert not split.validation
    assert "nothing is validated" in split.how


def test_colours_are_no_class_ids(tmp_path) -> None:
    """Annotation tools write class ids as the numbers of a palette, which is seen as colours."""
    painted = Image.fromarray(np.ones((32, 32), np.uint8)).convert("P")
    painted.save(tmp_path / "painted.png")
    with (
        open_stack(tmp_path / "painted.png") as stack,
        pytest.raises(AnnotationError, match=r"^annotations: is in colour; .* grey image \(no palette\)"),
    ):
        AnnotatedStack.of(np.zeros((1, 32, 32), np.uint8), stack)
