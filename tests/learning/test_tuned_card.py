"""The card of a tuned model says what it has learnt from, and not what its parent has."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.images import as_stack
from napari_unets.learning.tuned_card import card_to_be
from napari_unets.models import Model, ModelCardError


def stack(voxel_size_nm):
    return as_stack(np.zeros((1, 8, 8), np.uint8), voxel_size_nm=voxel_size_nm)


def tuned(model: Model, *sizes) -> Model:
    stacks = [stack(size) for size in sizes]
    return Model(card_to_be(model, model.network, model.card.classes, None, stacks), network=model.network)


@pytest.fixture
def parent() -> Model:
    model = tiny_model()
    return Model(
        model.card.model_copy(update={"pixel_size_nm": 4.0, "weights_sha256": "ab" * 32}), network=model.network
    )


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(40, 10, 10)], 10),
        ([(40, 10, 10), (50, 10.05, 10)], 10),
        ([None], 4),  # perhaps the parent's
        ([(40, 10, 10), None], 4),
        ([(40, 10, 10), (40, 8, 8)], None),
        ([(40, 10, 20)], None),
    ],
)
def test_the_pixel_size_is_that_of_the_stacks(parent, sizes, expected) -> None:
    assert tuned(parent, *sizes).card.pixel_size_nm == expected


def test_tuned_again_it_is_still_tuned(parent) -> None:
    once = tuned(parent, None)
    assert tuned(once, None).card.title == once.card.title == "Tiny, tuned"


def test_the_parent_is_named_with_its_weights(parent) -> None:
    once = tuned(parent, None)
    assert once.card.parent == f"tiny ({'ab' * 6})"
    assert tuned(once, None).card.parent == "tiny-tuned"  # never saved, so its weights have no hash


def test_what_is_no_name_of_a_model_is_told(parent: Model) -> None:
    with pytest.raises(ModelCardError, match="'My cells' is no name of a model; 'my-cells' is one"):
        card_to_be(parent, parent.network, parent.card.classes, "My cells", [])
