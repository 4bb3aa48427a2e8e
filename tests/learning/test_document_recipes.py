"""From photographs to modules, from modules and pages to a cascade that can be loaded."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.learning.cascading import cascade_models, load_modules
from napari_unets.learning.events import StepEvent, ValidationEvent
from napari_unets.learning.page_source import mean_of_finite
from napari_unets.learning.pages import PagesError
from napari_unets.learning.photographs import PhotographsError
from napari_unets.learning.recipe import RecipeError
from napari_unets.learning.training import run_recipe
from napari_unets.models import Model, UnknownModelError, load_model
from napari_unets.networks import ModularCascade, NetworkSettingsError

CARD = """
[normalisation]
method = "range"
[card]
title = "Tiny"
summary = "For tests"
task = "document"
halo = 8
licence = "BSD-3-Clause"
classes = [{ id = 1, name = "one", color = "#ff0000" }, { id = 2, name = "two", color = "#00ff00" }]
"""
MODULE = (
    """
name = "module-OPERATOR"
select = "psnr"
[data]
kind = "photographs"
operator = "OPERATOR"
validation = 1
[network]
name = "unet"
settings = { in_channels = 3, width = 2, depth = 1, batch_norm = true, dropout = 0.0 }
[fit]
steps = 2
batch = 2
patch = 32
"""
    + CARD
)
INK = (
    """
name = "ink"
select = "f_measure"
[data]
kind = "pages"
images = "*/*_source.png"
labels = "*/*_target.png"
classes = { 0 = 1, 255 = 2 }
validation = ["2016/*"]
[network]
name = "modular-cascade"
pretrained = ["module-dilation", "module-otsu"]
[network.settings]
in_channels = 3
modules = ["dilation", "otsu"]
width = 2
depth = 1
[fit]
steps = 2
batch = 2
patch = 32
loss = "bce+dice"
"""
    + CARD
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photographs, pages, recipes, and a store for the modules."""
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(tmp_path / "models"))
    rng = np.random.default_rng(0)
    (tmp_path / "photographs").mkdir()
    for i in range(3):
        iio.imwrite(tmp_path / "photographs" / f"{i}.png", rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
    for page, shape in (("2009/A", (40, 60)), ("2010/B", (70, 30)), ("2016/C", (36, 44))):
        (tmp_path / page).parent.mkdir()
        ink = np.zeros(shape, bool)
        ink[10:20, 5:-5] = True
        iio.imwrite(tmp_path / f"{page}_source.png", np.where(ink, 30, 220).astype(np.uint8))
        iio.imwrite(tmp_path / f"{page}_target.png", np.where(ink, 0, 255).astype(np.uint8))
    (tmp_path / "ink.toml").write_text(INK)
    return tmp_path


def train_module(data: Path, operator: str) -> Model:
    path = data / f"module-{operator}.toml"
    path.write_text(MODULE.replace("OPERATOR", operator))
    folder = data / "models" / path.stem
    list(run_recipe(path, data / "photographs", folder, device="cpu"))
    return load_model(folder)


def test_a_module_is_trained_and_scored_against_its_operator(data: Path) -> None:
    card = train_module(data, "otsu").card
    assert "1 photographs" in card.scores[0].data
    assert "scikit-image's otsu" in card.scores[0].data
    assert set(card.scores[0].values) == {"psnr", "absolute_error", "dice"}
    assert 0 < card.scores[0].values["absolute_error"] < 1
    assert set(train_module(data, "erosion").card.scores[0].values) == {"psnr", "absolute_error"}


def test_modules_are_cascaded_and_fine_tuned_on_pages(data: Path) -> None:
    modules = [train_module(data, operator) for operator in ("dilation", "otsu")]
    events = list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))
    card = load_model(data / "ink").card
    assert card.parent == ", ".join(f"{m.name} ({m.card.weights_sha256[:12]})" for m in modules)
    assert card.training.data.endswith("2 pages")
    assert card.training.annotated_pixels == {"one": 10 * 50 + 10 * 20, "two": 40 * 60 + 70 * 30 - 700}
    (validation,) = [e for e in events if isinstance(e, ValidationEvent)]
    assert set(validation.scores) == {"f_measure", "psnr", "drd"}
    assert card.scores[0].data == "held out of training: 1 pages, 2016/*"


def test_a_cascade_begins_with_the_weights_of_its_modules(data: Path) -> None:
    modules = [train_module(data, operator) for operator in ("dilation", "otsu")]
    (data / "ink.toml").write_text(INK.replace("steps = 2", "steps = 1\nlearning_rate = 1e-12\nema = 0"))
    list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))
    network = load_model(data / "ink").network
    assert isinstance(network, ModularCascade)
    for module, model in zip(network.modules_in_order, modules, strict=True):
        for mine, theirs in zip(module.parameters(), model.network.parameters(), strict=True):
            np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), atol=1e-3)  # stored as fp16


def test_models_say_themselves_what_the_modules_are(data: Path) -> None:
    train_module(data, "dilation")
    train_module(data, "otsu")
    (data / "ink.toml").write_text(INK.replace('modules = ["dilation", "otsu"]\nwidth = 2\ndepth = 1', "skips = false"))
    list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))
    config = load_model(data / "ink").card.network_config
    assert config["skips"] is False
    assert [module["task"] for module in config["modules"]] == ["module-dilation", "module-otsu"]


def test_a_stopped_run_goes_on(data: Path) -> None:
    (data / "ink.toml").write_text(INK.replace('pretrained = ["module-dilation", "module-otsu"]', ""))
    steps: list[int] = []

    def run(**arguments) -> None:
        events = run_recipe(data / "ink.toml", data, data / "ink", device="cpu", **arguments)
        steps.extend(event.step for event in events if isinstance(event, StepEvent))

    run(cancel=lambda: True)
    run(resume=True, overwrite=True)
    assert steps == [1, 2]
    assert [scores["step"] for scores in load_model(data / "ink").card.training.history] == [1, 2]


def test_a_smoke_run_takes_few_of_the_data(data: Path) -> None:
    (data / "ink.toml").write_text(INK.replace('pretrained = ["module-dilation", "module-otsu"]', ""))
    iio.imwrite(data / "2010" / "D_source.png", np.zeros((20, 20), np.uint8))
    iio.imwrite(data / "2010" / "D_target.png", np.zeros((20, 20), np.uint8))
    list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu", smoke=True))
    training = load_model(data / "ink").card.training
    assert (training.steps, training.data.rpartition(": ")[2]) == (4, "2 pages")


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        ('"module-dilation"', '"module-of-mine"', UnknownModelError, "module-of-mine"),
        ('method = "range"', "", RecipeError, "each of them stands for itself"),
        ("[fit]", "[fit]\naugment = { flip = true }", RecipeError, "by data.augment, not by fit.augment"),
        ('name = "modular-cascade"', 'name = "unet"', RecipeError, "only a modular-cascade has modules"),
        ("images =", "image =", RecipeError, "data.pages.images"),
        ('kind = "pages"', 'kind = "books"', RecipeError, "books"),
        ('select = "f_measure"', 'select = "drd"', RecipeError, "f_measure, psnr, or last, not by drd"),
    ],
)
def test_wrong_recipes_say_what_is_wrong(data: Path, old: str, new: str, error: type[Exception], message: str) -> None:
    (data / "ink.toml").write_text(INK.replace(old, new, 1))
    with pytest.raises(error, match=message):
        list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))


@pytest.mark.parametrize(
    ("validation", "error", "message"),
    [
        ('["2017/*"]', RecipeError, r"no page fits data.validation, 2017/\*"),
        ('["20*"]', RecipeError, "all pages are held out"),
    ],
)
def test_pages_to_hold_out(data: Path, validation: str, error: type[Exception], message: str) -> None:
    text = INK.replace('pretrained = ["module-dilation", "module-otsu"]', "").replace('["2016/*"]', validation)
    (data / "ink.toml").write_text(text)
    with pytest.raises(error, match=message):
        list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))


def test_data_that_are_not_there(data: Path) -> None:
    (data / "empty").mkdir()
    (data / "ink.toml").write_text(INK.replace('pretrained = ["module-dilation", "module-otsu"]', ""))
    with pytest.raises(PagesError, match="there is no page"):
        list(run_recipe(data / "ink.toml", data / "empty", data / "ink", device="cpu"))
    path = data / "module.toml"
    path.write_text(MODULE.replace("OPERATOR", "canny").replace("validation = 1", "validation = 3"))
    with pytest.raises(PhotographsError, match="there are 3 photographs, of which 3"):
        list(run_recipe(path, data / "photographs", data / "module", device="cpu"))


def test_a_module_that_is_used_to_other_images(data: Path) -> None:
    train_module(data, "otsu")
    path = data / "models" / "module-otsu" / "card.json"
    path.write_text(path.read_text().replace('"range"', '"zscore"'))
    (data / "ink.toml").write_text(INK.replace("module-dilation", "module-otsu"))
    with pytest.raises(RecipeError, match="normalised by zscore, the recipe has range"):
        list(run_recipe(data / "ink.toml", data, data / "ink", device="cpu"))


def test_models_of_any_kind_make_a_cascade() -> None:
    models = [tiny_model(), tiny_model(width=4)]
    network = cascade_models(models, out_channels=2, skips=False)
    assert (network.in_channels, network.out_channels, network.tasks) == (1, 2, ["tiny", "tiny"])
    for module, model in zip(network.modules_in_order, models, strict=True):
        for mine, theirs in zip(module.parameters(), model.network.parameters(), strict=True):
            assert mine is not theirs
            np.testing.assert_array_equal(mine.detach(), theirs.detach())


def test_models_that_make_no_cascade() -> None:
    with pytest.raises(NetworkSettingsError, match="at least one model"):
        cascade_models([])
    with pytest.raises(NetworkSettingsError, match=r"2 modules \(otsu, canny\).* 1 \(tiny\)"):
        load_modules(ModularCascade(modules=["otsu", "canny"], width=2, depth=1), [tiny_model()])


def unprepared(data: Path) -> Path:
    """Make the recipe of the pages one that takes no modules and says nothing of the scores."""
    path = data / "ink.toml"
    text = INK.replace('pretrained = ["module-dilation", "module-otsu"]', "").replace('select = "f_measure"', "")
    path.write_text(text)
    return path


def test_a_blank_page_among_those_held_out(data: Path) -> None:
    for name in ("source", "target"):
        iio.imwrite(data / f"2016/D_{name}.png", np.full((36, 44), 255, np.uint8))
    events = list(run_recipe(unprepared(data), data, data / "ink", device="cpu"))
    (validation,) = [e for e in events if isinstance(e, ValidationEvent)]
    assert np.isfinite(validation.scores["f_measure"])  # pages are chosen by it, unless told
    assert load_model(data / "ink").card.scores[0].values["f_measure"] == validation.scores["f_measure"]


def test_blank_pages_alone_tell_nothing(data: Path) -> None:
    iio.imwrite(data / "2016/C_target.png", np.full((36, 44), 255, np.uint8))
    with pytest.raises(RecipeError, match=r"no page of data\.validation, 2016/\*, has any ink to score"):
        list(run_recipe(unprepared(data), data, data / "ink", device="cpu"))


def test_one_class_alone_teaches_nothing(data: Path) -> None:
    path = unprepared(data)
    path.write_text(path.read_text().replace("255 = 2 }", "200 = 2 }"))
    with pytest.raises(RecipeError, match="only one is annotated"):
        list(run_recipe(path, data, data / "ink", device="cpu"))


def test_the_mean_of_pages_leaves_out_what_is_not_finite() -> None:
    assert mean_of_finite([np.nan, 1.0, 3.0, np.inf]) == 2.0
    assert mean_of_finite([np.nan, np.inf]) == np.inf
    assert np.isnan(mean_of_finite([np.nan]))
