"""The classical binarisations as models: they give what scikit-image gives, tiled or whole, and each page by itself."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from skimage.data import page
from skimage.filters import threshold_niblack, threshold_otsu, threshold_sauvola

from napari_unets.images import as_stack, compute_statistics, open_stack
from napari_unets.inference import InferenceSettings, Predictor, predict, segment
from napari_unets.learning import AnnotatedStack, NothingToTrainError, iter_fine_tune
from napari_unets.learning.settings import FitSettings
from napari_unets.metrics import evaluate
from napari_unets.models import ClassInfo, ModelCardError, ModelStore, WeightsError, load_model, save_model

NAMES = ["otsu", "niblack", "sauvola", "wolf"]


def wolf(image, window, k):
    """The paper's formula, window by window."""
    radius = window // 2
    padded = np.pad(image.astype(float), radius, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    mean, deviation = windows.mean((2, 3)), windows.std((2, 3))
    return mean - k * (1 - deviation / deviation.max()) * (mean - image.min())


def expected(name, image):
    settings = load_model(name).card.network_config
    if name == "otsu":
        return image <= threshold_otsu(image)
    if name == "niblack":
        return image < threshold_niblack(image, settings["window"], settings["k"])
    if name == "sauvola":
        return image < threshold_sauvola(image, settings["window"], settings["k"])
    return image < wolf(image, settings["window"], settings["k"])


@pytest.fixture(scope="module")
def image():
    return page()[:110, :120]


@pytest.mark.parametrize("name", NAMES)
def test_is_what_the_formula_says_whole_and_tiled(name, image):
    model = load_model(name)
    for settings in ({}, {"tile": 40}, {"precision": "bf16", "backend": "openvino"}):
        ids = segment(model, image, **settings)
        np.testing.assert_array_equal(ids == 1, expected(name, image))
        assert set(np.unique(ids)) == {1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_judged_by_itself(name, image):
    dark = (image * 0.5).astype(np.uint8)
    ids = segment(load_model(name), np.stack([image, dark]))
    for found, alone in zip(ids, (image, dark), strict=True):
        np.testing.assert_array_equal(found == 1, expected(name, alone))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["bool", "uint16", "float32", "nan", "colour", "blank", "line", "pixel pair"])
def test_any_image(name, kind, image):
    pictures = {
        "bool": image > 120,
        "uint16": image.astype(np.uint16) * 257,
        "float32": image.astype(np.float32) / 255,
        "nan": np.where(image == image.max(), np.nan, image.astype(np.float32)),
        "colour": np.stack([image] * 3, -1),
        "blank": np.full((60, 50), 200, np.uint8),
        "line": image[:1],
        "pixel pair": np.array([[0, 255]], np.uint8),
    }
    picture = pictures[kind]
    p = predict(load_model(name), picture)
    assert p.shape == picture.shape[:2]
    assert np.all((p >= 0) & (p <= 1))
    if kind == "blank":
        assert not (p > 0.5).any()
    if kind in ("bool", "uint16", "colour"):
        wrong = ((p > 0.5) != expected(name, image if kind != "bool" else picture.astype(np.uint8) * 255)).mean()
        assert wrong < 2e-3  # the grey values are rounded, or the histogram's classes differ


@pytest.mark.parametrize("name", [*NAMES, "document-ink"])
@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint32, np.uint16])
def test_integers_that_do_not_fill_their_type_are_seen_as_well(name, dtype, image):
    model = load_model(name)
    how = InferenceSettings(device="cpu", backend="torch", precision="fp32")
    found, bright = (segment(model, picture, settings=how) for picture in (image.astype(dtype), image))
    assert (found == bright).mean() > 0.98
    assert (found == 1).any()


def test_statistics_of_a_page_are_found_once_and_travel(image):
    stack = as_stack(np.stack([image, 255 - image]))
    statistics = compute_statistics(stack, "otsu")
    first = statistics.of_plane(stack, 1)
    assert first.offset[0] == threshold_otsu(255 - image) + 0.5
    assert statistics.of_plane(stack, 1) is first
    assert pickle.loads(pickle.dumps(statistics)).of_plane(stack, 1) == first


def test_large_pages_are_looked_at_in_bands(image, monkeypatch):
    stack = as_stack(image)
    for method in ("otsu", "wolf"):
        whole = compute_statistics(stack, method, window=31).of_plane(stack, 0)
        with monkeypatch.context() as patch:
            patch.setattr("napari_unets.images.sampling.LARGEST_BLOCK", 7 * image.shape[1])
            banded = compute_statistics(stack, method, window=31).of_plane(stack, 0)
        np.testing.assert_allclose([banded.offset, banded.scale], [whole.offset, whole.scale], rtol=1e-9)


def test_a_formula_runs_on_the_cpu_in_full_precision():
    with Predictor(load_model("sauvola"), InferenceSettings(precision="bf16")) as predictor:
        assert (predictor.device, predictor.backend, predictor.precision) == ("cpu", "torch", "fp32")
        assert "formula" in predictor.device_reason


def test_nothing_in_it_can_be_trained(image):
    ids = np.where(image < 100, 1, 2).astype(np.uint8)
    with pytest.raises(NothingToTrainError, match=r"sauvola is a formula.*first annotation"):
        next(iter_fine_tune(load_model("sauvola"), [AnnotatedStack.of(image, ids)], FitSettings(steps=1)))


def test_a_formula_of_ones_own_is_saved_and_loaded(tmp_path, image):
    model = load_model("sauvola")
    config = {**model.card.network_config, "k": 0.4}
    from napari_unets.networks import create_network

    card = model.card.model_copy(update={"name": "mine"})
    folder = save_model(create_network("sauvola", **config), card, tmp_path / "mine")
    assert [path.name for path in folder.iterdir()] == ["card.json"]
    mine = load_model(folder)
    assert mine.network.config["k"] == 0.4
    np.testing.assert_array_equal(segment(mine, image) == 1, image < threshold_sauvola(image, 51, 0.4))


def test_a_card_that_names_no_weights_for_a_network_is_refused(tmp_path):
    card = load_model("sauvola").card.model_copy(update={"network": "unet", "network_config": {}, "name": "bad"})
    (tmp_path / "card.json").write_text(card.model_dump_json())
    with pytest.raises(WeightsError, match="needs weights"):
        load_model(tmp_path).network  # noqa: B018 - it is loaded here


def test_a_card_of_wolf_has_one_window(tmp_path):
    card = load_model("wolf").card.model_dump(mode="json")
    card["network_config"]["window"] = 31
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelCardError, match="window of the network"):
        load_model(tmp_path)


def test_otsu_scores_what_the_contest_says(shared_data):
    """The organisers of H-DIBCO 2016 give Otsu's method an F-measure of 86.61 on its ten pages."""
    scores = []
    with Predictor(load_model("otsu")) as predictor:
        for source in sorted((shared_data / "dibco" / "2016").glob("*_source.png")):
            with open_stack(source) as page, open_stack(str(source).replace("source", "target")) as truth:
                ids = segment(predictor.model, page, predictor=predictor)
                scores.append(evaluate(ids, truth, metrics=["f_measure"], kind="document")["f_measure"])
    assert len(scores) == 10
    assert np.mean(scores) == pytest.approx(86.6, abs=0.1)


def test_the_store_lists_them_with_ink_and_paper():
    cards, broken = ModelStore().list()
    assert set(NAMES) <= set(cards)
    assert not set(NAMES) & set(broken)
    for name in NAMES:
        card = cards[name]
        assert card.task == "document"
        assert [(c.id, c.name) for c in card.classes] == [(1, "ink"), (2, "paper")]
        assert isinstance(card.classes[0], ClassInfo)
        assert card.weights_sha256 is None
    assert cards["wolf"].normalisation.window == cards["wolf"].network_config["window"]
