"""``napari-unets train``."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from napari_unets import learning
from napari_unets.images import save_stack
from napari_unets.learning.events import StepEvent
from napari_unets.models import load_model

RECIPE = """
name = "tiny"

[data]
images = "image.tif"
labels = "label.tif"
validation = [1]
classes = { 0 = 1, 255 = 2 }

[network]
name = "sf-net"
settings = { width = 4, narrow = 4, depth = 1 }

[fit]
steps = 4
batch = 1
patch = 32
validate_every = 2
precision = "fp32"

[card]
title = "Tiny"
summary = "For tests."
halo = 8
licence = "CC0-1.0"
classes = [{ id = 1, name = "membrane", color = "#ff0000" }, { id = 2, name = "cell", color = "#00ff00" }]
"""


@pytest.fixture
def recipe(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((2, 64, 64)) < 0.3, 0, 255).astype(np.uint8)
    save_stack(tmp_path / "image.tif", labels // 2 + 20, axes="zyx")
    save_stack(tmp_path / "label.tif", labels, axes="zyx")
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


def test_a_recipe_becomes_a_model(program, recipe, tmp_path):
    folder = tmp_path / "models" / "tiny"
    folder.parent.mkdir()
    result = program("train", recipe, "--data", tmp_path, "--output", folder)
    assert (result.code, result.out) == (0, "")
    assert "step 2: " in result.err
    assert "(kept)" in result.err
    assert f"saved to {folder}" in result.err
    model = load_model(folder)
    assert model.network.n_parameters > 0
    assert model.card.training.steps == 4
    again = program("train", recipe, "--data", tmp_path, "--output", folder)
    assert again.code == 1
    assert str(folder) in again.err


def test_the_length_can_be_replaced(program, recipe, tmp_path):
    assert program("train", recipe, "--data", tmp_path, "--output", tmp_path / "m", "--steps", 1).code == 0
    assert load_model(tmp_path / "m").card.training.steps == 1
    assert program("train", recipe, "--data", tmp_path, "--output", "m", "--steps", 1, "--minutes", 1).code == 2


def test_the_seed_can_be_replaced(program, recipe, tmp_path):
    models = {}
    for name, *seed in (("a",), ("b", "--seed", 0), ("c", "--seed", 5)):
        assert program("train", recipe, "--data", tmp_path, "--output", tmp_path / name, *seed).code == 0
        models[name] = (tmp_path / name / "weights.safetensors").read_bytes()
    assert models["a"] == models["b"] != models["c"]
    assert load_model(tmp_path / "c").card.training.seed == 5


def test_a_smoke_run_has_a_length_of_its_own(program, recipe, tmp_path):
    recipe.write_text(RECIPE.replace("steps = 4", "minutes = 60"))
    assert program("train", recipe, "--data", tmp_path, "--output", tmp_path / "m", "--smoke").code == 0
    assert load_model(tmp_path / "m").card.training.steps == 4
    assert program("train", recipe, "--data", tmp_path, "--output", "n", "--smoke", "--steps", 1).code == 2


def test_interrupted_it_saves_the_best_and_goes_on_later(program, recipe, tmp_path, monkeypatch):
    run_recipe = learning.run_recipe

    def interrupted(*arguments, **settings):
        for event in run_recipe(*arguments, **settings):
            if isinstance(event, StepEvent) and event.step == 1:
                signal.raise_signal(signal.SIGINT)
            yield event

    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(learning, "run_recipe", interrupted)
        result = program("train", recipe, "--data", tmp_path, "--output", tmp_path / "m")
    assert result.code == 130
    assert "--resume" in result.err
    assert load_model(tmp_path / "m").card.training.steps < 4
    assert signal.getsignal(signal.SIGINT) is before
    assert program("train", recipe, "--data", tmp_path, "--output", tmp_path / "m", "--resume").code == 0
    assert load_model(tmp_path / "m").card.training.steps == 4


def test_a_finished_run_is_not_begun_again_by_resume(program, recipe, tmp_path):
    run = ("train", recipe, "--data", tmp_path, "--output", tmp_path / "m", "--resume")
    first = program(*run)
    assert first.code == 0
    assert "begins anew" in first.err
    made = (tmp_path / "m" / "weights.safetensors").stat().st_mtime_ns
    for again in (run, (*run, "--overwrite")):
        result = program(*again)
        assert result.code == 0
        assert "is finished" in result.err
    assert (tmp_path / "m" / "weights.safetensors").stat().st_mtime_ns == made


def test_mistakes_name_the_file(program, recipe, tmp_path):
    missing = program("train", tmp_path / "no.toml", "--data", tmp_path, "--output", tmp_path / "m")
    assert missing.code == 1
    assert "no.toml" in missing.err
    recipe.write_text(RECIPE.replace("sf-net", "sf-nit"))
    wrong = program("train", recipe, "--data", tmp_path, "--output", tmp_path / "m")
    assert wrong.code == 1
    assert "sf-nit" in wrong.err
