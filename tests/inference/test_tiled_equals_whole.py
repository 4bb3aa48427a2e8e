"""The promise of the exact halo: no size, no tile and no network lets the tiles show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_unets.inference import Predictor, predict
from napari_unets.inference.reading import mirrored

from .shared import SMALL, STRICT, image, small_model

PREDICTORS: dict[str, Predictor] = {}


def predictor_of(name: str, tile: int, *, tta: bool = False) -> Predictor:
    """A predictor that differs from the last one only in its tile: making one each time would take long."""
    key = f"{name} {tta}"
    if key not in PREDICTORS:
        PREDICTORS[key] = Predictor(small_model(name), STRICT.model_copy(update={"halo": "exact", "tta": tta}))
    PREDICTORS[key].settings = PREDICTORS[key].settings.model_copy(update={"tile": tile})
    return PREDICTORS[key]


def whole(name: str, plane: np.ndarray) -> np.ndarray:
    """The plane through the network in one piece, mirrored at its end up to the next size that it takes."""
    predictor = predictor_of(name, 1)
    network = predictor.model.network
    margin = network.margin
    height, width = (network.next_valid_size(n + 2 * margin) for n in plane.shape)
    rows = mirrored(-margin, height - margin, plane.shape[0])
    columns = mirrored(-margin, width - margin, plane.shape[1])
    normalised = (plane - plane.mean(dtype=np.float64)) / (plane.std(dtype=np.float64) or 1)
    with torch.inference_mode():
        x = torch.from_numpy(normalised.astype(np.float32)[rows[:, None], columns])
        logits = network(x[None, None])
    return torch.sigmoid(logits)[0, 0, : plane.shape[0], : plane.shape[1]].numpy()


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 90), width=st.integers(1, 90), room=st.integers(1, 40), seed=st.integers(0, 99))
def test_tiled_equals_whole(name, height, width, room, seed):
    plane = image(height, width, seed=seed)
    model, tile = predictor_of(name, 1).model, 2 * predictor_of(name, 1).geometry.exact_halo + room
    tiled = predict(model, plane, predictor=predictor_of(name, tile))
    np.testing.assert_allclose(tiled, whole(name, plane), atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_the_planes_above_really_were_tiled(name):
    predictor = predictor_of(name, 1)
    halo = predictor.geometry.exact_halo
    side = 4 * halo + 60
    events = []
    plane = image(side, side)
    tiled = predict(predictor.model, plane, predictor=predictor_of(name, 2 * halo + 40), on_event=events.append)
    assert len(events) >= 4
    np.testing.assert_allclose(tiled, whole(name, plane), atol=1e-5)


@pytest.mark.parametrize("name", ["sf-net", "unet-valid"])
def test_augmented_tiles_are_exact_too(name):
    predictor = predictor_of(name, 1, tta=True)
    plane = image(101, 83)
    halo = predictor.geometry.exact_halo
    in_one = predict(predictor.model, plane, predictor=predictor_of(name, 1000, tta=True))
    tiled = predict(predictor.model, plane, predictor=predictor_of(name, 2 * halo + 30, tta=True))
    np.testing.assert_allclose(tiled, in_one, atol=1e-5)


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.25, 2])
@pytest.mark.parametrize("name", [name for name in SMALL if not name.endswith("-valid")])
def test_tiles_at_another_scale_are_exact_too(name, scale):
    small = small_model(name)
    how = STRICT.model_copy(update={"halo": "exact", "scale": scale})
    with Predictor(small, how) as predictor:
        halo, stride = predictor.geometry.exact_halo, predictor.geometry.stride
        tile = 2 * halo + 2 * stride
        plane = image(tile + 2 * stride + 3, 61)
        in_one = predict(small, plane, predictor=predictor.with_settings(how.model_copy(update={"tile": 1000})))
        events = []
        few = predictor.with_settings(how.model_copy(update={"tile": tile}))
        tiled = predict(small, plane, predictor=few, on_event=events.append)
    assert len(events) > 1
    np.testing.assert_allclose(tiled, in_one, atol=5e-5)


def test_a_smaller_halo_is_near_and_the_seam_is_none():
    """With half the receptive field the error is small, and no larger where windows meet than elsewhere."""
    model = small_model("sf-net")
    plane = image(160, 160)
    exact = whole("sf-net", plane)
    with Predictor(model, STRICT.model_copy(update={"halo": 8, "tile": 60})) as predictor:
        near = predict(model, plane, predictor=predictor)
    assert 0 < np.abs(near - exact).max() < 0.05
