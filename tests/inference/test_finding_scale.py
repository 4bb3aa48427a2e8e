"""How large a model wants to see an image, found from the image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import zoom

from napari_unets.images.synthetic import synthetic_em_stack
from napari_unets.inference import Cancelled, InferenceError, InferenceSettings, Predictor, find_scale
from napari_unets.inference.finding_scale import SCALES
from napari_unets.models import NotAModelError, load_model

from .shared import STRICT, small_model


@pytest.fixture(scope="module")
def sections():
    return synthetic_em_stack(3, 448)[0]


@pytest.fixture(scope="module")
def predictor():
    """The bundled model that is quick, ready to run."""
    with Predictor(load_model("em-membranes-fast"), InferenceSettings(device="cpu", backend="torch")) as made:
        yield made


@pytest.mark.parametrize(("brought_to", "fitting"), [(1, {1.0}), (2, {0.5, 0.75}), (0.5, {1.5, 2.0, 3.0})])
def test_pixels_of_another_size_are_made_up_for(sections, predictor, brought_to, fitting):
    seen = zoom(sections, (1, brought_to, brought_to), order=1)
    found = find_scale(predictor.model, seen, predictor=predictor)
    assert found.scale in fitting
    tried = {scale: value for scale, value in found.agreement.items() if not np.isnan(value)}
    assert {0.5, 1.0, 2.0} <= set(found.agreement) <= set(SCALES)
    assert all(0 < value < 1 for value in tried.values())
    assert found.agreement[found.scale] > 0.9
    assert predictor.settings.scale == 1, "it is as it was"


def test_bright_membranes_are_recognised(sections, predictor):
    found = find_scale(predictor.model, 255 - sections, predictor=predictor)
    assert (found.scale, found.invert, found.is_sure) == (1, True, True)
    as_it_is = find_scale(predictor.model, sections, predictor=predictor)
    assert (as_it_is.invert, as_it_is.is_sure) == (False, True)
    assert found.agreement == pytest.approx(as_it_is.agreement, abs=0.02)


def test_what_a_model_does_not_know_is_seen_as_it_is(predictor):
    noise = np.random.default_rng(0).integers(0, 255, (2, 300, 300)).astype(np.uint8)
    found = find_scale(predictor.model, noise, predictor=predictor)
    assert (found.scale, found.invert, found.is_sure) == (1, False, False)


def test_the_margin_around_a_mosaic_says_nothing(sections, predictor):
    mosaic = np.zeros((3, 1000, 1000), np.uint8)
    mosaic[:, :448, 552:] = sections
    found = find_scale(predictor.model, mosaic, predictor=predictor)
    assert found.scale == 1
    assert found.agreement[1.0] > 0.85


def test_where_nothing_is_found_the_scale_stays(predictor):
    empty = find_scale(predictor.model, np.full((2, 90, 80), 200, np.uint8), predictor=predictor)
    assert (empty.scale, empty.agreement) == (1, {})


@pytest.mark.parametrize("shape", [(1, 1), (2, 2, 30, 300), (90, 80, 3)])
def test_any_image_that_can_be_segmented(shape):
    pixels = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    assert find_scale(small_model(), pixels, settings=STRICT).scale in SCALES


def test_the_same_each_time(sections, predictor):
    first, again = (find_scale(predictor.model, sections, predictor=predictor) for _ in range(2))
    assert (first.scale, first.agreement) == (again.scale, again.agreement)


def test_classes_count_alike():
    pixels = np.random.default_rng(0).integers(0, 255, (2, 60, 60)).astype(np.uint8)
    assert find_scale(small_model(out_channels=3), pixels, settings=STRICT, tta=True).scale in SCALES


def test_what_has_no_scale_is_told():
    pixels = np.zeros((80, 80), np.uint8)
    with pytest.raises(InferenceError, match="otsu is a formula"):
        find_scale(load_model("otsu"), pixels)
    with pytest.raises(InferenceError, match="unpadded"):
        find_scale(small_model("unet-valid"), pixels, settings=STRICT)
    with pytest.raises(NotAModelError, match="is the name of a model"):
        find_scale("em-membranes", pixels)


def test_stop(predictor):
    asked: list[int] = []
    pixels = np.arange(4096, dtype=np.uint16).reshape(64, 64)

    def fourth_time():
        asked.append(1)
        return len(asked) == 4

    with pytest.raises(Cancelled):
        find_scale(predictor.model, pixels, predictor=predictor, cancel=fourth_time)
