"""Recipes: from a data folder and a TOML file to a model that can be loaded."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from napari_unets.images import save_stack, synthetic_em_stack
from napari_unets.learning.checkpoint import CheckpointError
from napari_unets.learning.events import StepEvent, StoppedEvent, ValidationEvent
from napari_unets.learning.recipe import RecipeError, read_recipe
from napari_unets.learning.training import SavedEvent, run_recipe
from napari_unets.models import ModelExistsError, ModelFileError, load_model

RECIPE = """
name = "tiny"
[data]
images = "image"
labels = "label"
classes = { 0 = 1, 255 = 2 }
validation = [1]
[network]
name = "sf-net"
settings = { width = 4, narrow = 4, depth = 2 }
[fit]
steps = 6
batch = 2
patch = 32
validate_every = 3
[card]
title = "Tiny"
summary = "For tests"
task = "em"
halo = 8
licence = "BSD-3-Clause"
[[card.classes]]
id = 1
name = "membrane"
color = "#ff0000"
[[card.classes]]
id = 2
name = "cell"
color = "#00ff00"
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    image, truth = synthetic_em_stack(3, 96, seed=1)
    for folder, stack in (("image", image), ("label", truth)):
        (tmp_path / folder).mkdir()
        for i, plane in enumerate(stack):
            iio.imwrite(tmp_path / folder / f"{i:02d}.png", plane)
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path


def test_recipe_gives_a_model_with_its_history(data: Path) -> None:
    events = list(run_recipe(str(data / "tiny.toml"), str(data), str(data / "model"), device="cpu"))
    assert [type(e) for e in events[-2:]] == [StoppedEvent, SavedEvent]
    assert sum(isinstance(e, StepEvent) for e in events) == 6
    validations = [e for e in events if isinstance(e, ValidationEvent)]
    card = load_model(data / "model").card
    assert card.training is not None
    assert card.training.steps == 6
    assert card.training.history == [{"step": e.step, **e.scores} for e in validations]
    assert set(validations[0].scores) == {"dice", "cross_entropy", "v_rand"}
    assert card.scores[0].values["dice"] == max(e.scores["dice"] for e in validations)
    assert sum(card.training.annotated_pixels.values()) == 2 * 96 * 96  # the held-out plane is not counted
    assert sorted(p.name for p in data.iterdir()) == ["image", "label", "model", "tiny.toml"]


def test_a_run_starts_from_the_weights_of_a_model(data: Path) -> None:
    list(run_recipe(data / "tiny.toml", data, data / "first", device="cpu"))
    first = load_model(data / "first")
    (data / "tiny.toml").write_text(RECIPE.replace("steps = 6", "steps = 1\nlearning_rate = 1e-12\nema = 0"))
    list(run_recipe(data / "tiny.toml", data, data / "second", device="cpu", start=first))
    second = load_model(data / "second")
    assert second.card.parent == f"tiny ({first.card.weights_sha256[:12]})"
    for mine, theirs in zip(second.network.parameters(), first.network.parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), atol=1e-3)  # stored as fp16


def test_a_run_cannot_start_from_another_network(data: Path) -> None:
    list(run_recipe(data / "tiny.toml", data, data / "first", device="cpu"))
    (data / "tiny.toml").write_text(RECIPE.replace("width = 4", "width = 8"))
    with pytest.raises(RecipeError, match=r"the model tiny is a sf-net .* its weights do not fit"):
        list(run_recipe(data / "tiny.toml", data, data / "second", device="cpu", start=load_model(data / "first")))


def test_stopped_run_saves_and_resumes(data: Path) -> None:
    steps: list[int] = []

    def run(cancel, **arguments) -> None:
        for event in run_recipe(data / "tiny.toml", data, data / "model", device="cpu", cancel=cancel, **arguments):
            if isinstance(event, StepEvent):
                steps.append(event.step)

    run(lambda: len(steps) == 2)
    assert (data / "model" / "card.json").exists()
    assert (data / "model.checkpoint.safetensors").exists()
    run(None, resume=True, overwrite=True)
    assert steps == [1, 2, 3, 4, 5, 6]
    assert not (data / "model.checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("batch = 2", "batch = 3", r"fit\.batch was 2 and is 3"),
        ("batch = 2", 'batch = 2\nloss = "dice"', r'fit\.loss was "bce" and is "dice"'),
        ("batch = 2", "batch = 2\naugment = { noise = 0.5 }", r'fit\.augment was \{\} and is \{"noise": 0.5\}'),
        ("validation = [1]", "validation = [2]", r"data\.validation was \[1\] and is \[2\]"),
        ("width = 4", "width = 8", r"network\.settings"),
        ("[network]", '[normalisation]\nmethod = "range"\n[network]', r'normalisation\.method was "zscore" and is "ra'),
        ("[data]", 'select = "v_rand"\n[data]', r"select was dice and is v_rand"),
    ],
)
def test_a_recipe_that_has_changed_is_not_resumed(data: Path, old: str, new: str, said: str) -> None:
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", cancel=lambda: True))
    (data / "tiny.toml").write_text(RECIPE.replace(old, new))
    with pytest.raises(CheckpointError, match=rf"changed since this run was begun: {said}.*put that back, or begin a"):
        list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", resume=True, overwrite=True))


def test_what_does_not_change_what_is_learnt_may_change(data: Path) -> None:
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", cancel=lambda: True))
    changed = RECIPE.replace("steps = 6", "steps = 4").replace("validate_every = 3", "validate_every = 2")
    changed = changed.replace("{ 0 = 1, 255 = 2 }", "{ 255 = 2, 0 = 1 }").replace('"Tiny"', '"Tiny, again"')
    (data / "tiny.toml").write_text(changed)
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", resume=True, overwrite=True))
    assert load_model(data / "model").card.training.steps == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "tiny"', 'name = "My model/é"', "the model's card would not be valid: name: String should match"),
        ("validation = [1]", 'validation = ["0-2"]', r"all planes \(3\) are kept aside by data.validation"),
        ("validation = [1]", "validation = [-1]", r"validation.0: Input should be greater than or equal to 0, or "),
        ("batch = 2", "ba-tch = 2", r"fit\.ba-tch: Extra inputs are not permitted"),
        ("255 = 2 }", "255 = 3 }", r"not a valid recipe: recipe: data\.classes has class 3; card\.classes are 1, 2"),
    ],
)
def test_what_is_wrong_with_a_recipe(data: Path, old: str, new: str, said: str) -> None:
    (data / "tiny.toml").write_text(RECIPE.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError, match=said) as raised:
        list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))
    assert "constrained" not in str(raised.value)


@pytest.mark.parametrize("axes", ["yx", "tzyx"])
def test_images_of_other_axes_are_learnt_from_by_their_planes(data: Path, axes: str) -> None:
    image, truth = synthetic_em_stack(4, 96, seed=1)
    shape = (96, 96) if axes == "yx" else (2, 2, 96, 96)
    for name, stack in (("image", image), ("label", truth)):
        save_stack(data / f"{name}.ome.tif", stack[: 1 if axes == "yx" else 4].reshape(shape), axes=axes)
    recipe = RECIPE.replace('"image"', '"image.ome.tif"').replace('"label"', '"label.ome.tif"')
    (data / "tiny.toml").write_text(
        recipe.replace("validation = [1]", "validation = []" if axes == "yx" else "validation = [3]")
    )
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))
    card = load_model(data / "model").card
    assert sum(card.training.annotated_pixels.values()) == (1 if axes == "yx" else 3) * 96 * 96


def test_folders_are_paired_by_the_numbers_of_their_files(data: Path) -> None:
    (data / "image" / "02.png").rename(data / "image" / "03.png")
    for folder in ("image", "label"):
        (data / folder / "00.png").rename(data / folder / "05.png")
    with pytest.raises(RecipeError, match=r"03\.png is only in .*image and 02\.png is only in .*label"):
        list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))
    (data / "label" / "02.png").rename(data / "label" / "03.png")
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))


def test_labels_do_not_stand_for_the_first_axes_of_an_image(data: Path) -> None:
    image, truth = synthetic_em_stack(3, 96, seed=1)
    save_stack(data / "image.ome.tif", np.stack([image, image], -1), axes="tzyx")  # colours that nobody has named
    save_stack(data / "label.ome.tif", truth, axes="zyx")
    recipe = RECIPE.replace('"image"', '"image.ome.tif"').replace('"label"', '"label.ome.tif"')
    (data / "tiny.toml").write_text(recipe)
    with pytest.raises(RecipeError, match=r"the labels have the shape \(3, 96, 96\), the images \(3, 96, 96, 2\)"):
        list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))


def test_existing_model_is_kept_unasked(data: Path) -> None:
    (data / "model").mkdir()
    with pytest.raises(ModelExistsError, match="exists already"):
        next(run_recipe(data / "tiny.toml", data, data / "model"))


def test_a_place_that_cannot_be_written_is_told_before_anything_is_learnt(data: Path) -> None:
    with pytest.raises(ModelFileError, match="could not be written"):
        next(run_recipe(data / "tiny.toml", data, data / "tiny.toml" / "model"))


def test_what_is_no_model_is_refused_before_anything_is_learnt(data: Path) -> None:
    (data / "model").mkdir()
    (data / "model" / "notes.txt").write_text("mine")
    with pytest.raises(ModelExistsError, match="something else"):
        next(run_recipe(data / "tiny.toml", data, data / "model", overwrite=True))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 6", "steps = 6\nspeed = 1", "fit.speed"),
        ("steps = 6", "", "steps or minutes"),
        ("validation = [1]", "validation = [3]", "only 3"),
        ("validation = [1]", "validation = [-1]", r"data.stack.validation.*greater than or equal to 0"),
        ("validation = [1]", 'validation = ["2-1"]', "lower number: 1-2"),
        ('name = "tiny"', 'name = "tiny"\nselect = "cross_entropy"', "dice, v_rand, or last, not by cross_entropy"),
        ("{ 0 = 1, 255 = 2 }", "{ 0 = 1, 1 = 5 }", "class 5; card.classes are 1, 2"),
        ("{ 0 = 1, 255 = 2 }", "{ 0 = 1, 200 = 2 }", "only membrane is annotated"),
        ("{ 0 = 1, 255 = 2 }", "{ 7 = 1 }", "nothing is annotated"),
        ("[data]", "[data", "cannot be read"),
    ],
)
def test_wrong_recipes_say_what_is_wrong(data: Path, old: str, new: str, message: str) -> None:
    path = data / "tiny.toml"
    path.write_text(RECIPE.replace(old, new, 1))
    with pytest.raises(RecipeError, match=message):
        list(run_recipe(path, data, data / "model", device="cpu"))
    assert not (data / "model").exists()


def test_labels_of_another_shape(data: Path) -> None:
    for path in (data / "label").iterdir():
        iio.imwrite(path, np.zeros((64, 96), np.uint8))
    with pytest.raises(RecipeError, match=r"\(3, 64, 96\)"):
        next(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))


def test_a_recipe_extends_another(data: Path) -> None:
    (data / "more.toml").write_text(
        'extends = "tiny.toml"\nname = "more"\n[network]\nsettings = { width = 8, narrow = 4, depth = 2 }\n'
    )
    recipe, base = read_recipe(data / "more.toml"), read_recipe(data / "tiny.toml")
    assert recipe.name == "more"
    assert recipe.network.settings == {"width": 8, "narrow": 4, "depth": 2}
    assert recipe.model_copy(update={"name": base.name, "network": base.network}) == base
    (data / "mine").mkdir()
    (data / "mine" / "again.toml").write_text('extends = "../more.toml"\n')
    assert read_recipe(data / "mine" / "again.toml") == recipe


@pytest.mark.parametrize("extended", ['"self.toml"', '"./other.toml"', "3"])
def test_a_recipe_does_not_extend_itself(data: Path, extended: str) -> None:
    (data / "self.toml").write_text(f"extends = {extended}\n")
    (data / "other.toml").write_text('extends = "self.toml"\n')
    with pytest.raises(RecipeError, match="never itself"):
        read_recipe(data / "self.toml")


def test_a_smoke_run_is_short_and_small(data: Path) -> None:
    (data / "tiny.toml").write_text(RECIPE.replace("steps = 6", "minutes = 60").replace("batch = 2", "batch = 50"))
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", smoke=True))
    training = load_model(data / "model").card.training
    assert training is not None
    assert training.steps == 4
    assert training.settings["batch"] == 2


def test_held_out_planes_without_annotations(data: Path) -> None:
    """Their scores would be undefined, and be noticed when hours have passed."""
    iio.imwrite(data / "label" / "01.png", np.full((96, 96), 7, np.uint8))
    with pytest.raises(RecipeError, match=r"nothing is annotated on the planes of data\.validation"):
        list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu"))


def test_v_rand_is_of_whole_planes(data: Path) -> None:
    (data / "tiny.toml").write_text('select = "v_rand"' + RECIPE)
    events = run_recipe(data / "tiny.toml", data, data / "model", device="cpu")
    assert any(isinstance(event, ValidationEvent) and event.kept for event in events)
    label = iio.imread(data / "label" / "01.png")
    label[:3] = 7
    iio.imwrite(data / "label" / "01.png", label)
    with pytest.raises(RecipeError, match="wholly annotated where they are held out"):
        list(run_recipe(data / "tiny.toml", data, data / "other", device="cpu"))


def test_labels_of_one_bit(data: Path) -> None:
    for path in (data / "label").iterdir():
        Image.fromarray(iio.imread(path)).convert("1").save(path)
    list(run_recipe(data / "tiny.toml", data, data / "model", device="cpu", steps=1))
    training = load_model(data / "model").card.training
    assert training is not None
    assert min(training.annotated_pixels.values()) > 0
