"""Recipes with several protocols and networks, planes in turn, several stacks, and pictures."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_unets.learning.class_values import class_ids
from napari_unets.learning.events import StepEvent
from napari_unets.learning.recipe import RecipeError, read_recipe
from napari_unets.learning.resizing import resized
from napari_unets.learning.training import run_recipe
from napari_unets.models import load_model

RECIPE = """
name = "tiny"
select = "last"
[data]
images = ["a.tif", "b.tif"]
labels = ["a-label.tif", "b-label.tif"]
classes = { 0 = 1, other = 2 }
validation = ["5-6"]
[networks.sf-net]
settings = { width = 4, narrow = 4, depth = 1 }
[networks.small]
name = "unet"
settings = { width = 2, depth = 1 }
[protocol.best.fit]
steps = 2
batch = 2
patch = 32
[protocol.paper.data]
draw = "in-turn"
eightfold = true
resize = 32
[protocol.paper.networks.small]
settings = { width = 3, depth = 1 }
[protocol.paper.fit]
epochs = 2
batch = 16
patch = 32
optimiser = "adam"
loss = "mse"
[card]
title = "Tiny"
summary = "For tests"
task = "em"
halo = 8
licence = "BSD-3-Clause"
classes = [{ id = 1, name = "membrane", color = "#ff0000" }, { id = 2, name = "cell", color = "#00ff00" }]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, planes in (("a", 3), ("b", 4)):
        labels = np.where(rng.random((planes, 48, 48)) < 0.3, 0, rng.integers(1, 900, (planes, 48, 48)))
        tifffile.imwrite(tmp_path / f"{name}-label.tif", labels.astype(np.uint16), photometric="minisblack")
        tifffile.imwrite(
            tmp_path / f"{name}.tif", np.where(labels == 0, 40, 200).astype(np.uint8), photometric="minisblack"
        )
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path


def run(data: Path, recipe: str = "tiny.toml", **choices):
    events = list(run_recipe(data / recipe, data, data / "model", device="cpu", **choices))
    return events, load_model(data / "model")


def test_the_first_protocol_and_network_unless_told(data: Path) -> None:
    recipe = read_recipe(data / "tiny.toml")
    assert (recipe.name, recipe.card.title, recipe.network.name) == ("tiny-sf-net-best", "Tiny, sf-net, best", "sf-net")
    other = read_recipe(data / "tiny.toml", protocol="paper", network="small")
    assert (other.name, other.network.name, other.network.settings["width"]) == ("tiny-small-paper", "unet", 3)


def test_epochs_of_planes_in_turn(data: Path) -> None:
    """Five of seven planes, eight times each, twice, sixteen a step: five steps."""
    events, model = run(data, protocol="paper", network="small")
    assert sum(isinstance(event, StepEvent) for event in events) == 5
    training = model.card.training
    assert (training.settings["optimiser"], training.settings["loss"], training.steps) == ("adam", "mse", 5)
    assert training.data == "a.tif, b.tif and a-label.tif, b-label.tif: 5 planes"
    assert sum(training.annotated_pixels.values()) == 5 * 32 * 32  # resized
    assert model.card.scores[0].data == "held out of training: planes 5, 6 of a.tif, b.tif"


def test_a_share_is_held_out_from_the_end(data: Path) -> None:
    (data / "tiny.toml").write_text(RECIPE.replace('["5-6"]', "0.45"))
    _, model = run(data)
    assert model.card.scores[0].data == "held out of training: planes 4 to 6 of a.tif, b.tif"


def test_protocols_of_a_recipe_that_extends_another(data: Path) -> None:
    (data / "more.toml").write_text('extends = "tiny.toml"\nname = "more"\n[protocol.paper.fit]\nbatch = 40\n')
    recipe = read_recipe(data / "more.toml", protocol="paper")
    assert (recipe.name, recipe.fit.batch, recipe.fit.epochs, recipe.data.resize) == ("more-sf-net-paper", 40, 2, 32)


@pytest.mark.parametrize(
    ("old", "new", "choices", "message"),
    [
        ("", "", {"protocol": "worst"}, "no protocol 'worst'; the recipe has the protocols best, paper"),
        ("", "", {"network": "unet"}, "no network 'unet'; the recipe has the networks sf-net, small"),
        ('draw = "in-turn"\n', "", {"protocol": "paper"}, 'eightfold goes with draw = "in-turn"'),
        ('draw = "in-turn"\neightfold = true\n', "", {"protocol": "paper"}, 'epochs need data.draw = "in-turn"'),
        ('loss = "mse"', "augment = { flip = true }", {"protocol": "paper"}, "drawn in turn are not warped"),
        ('images = ["a.tif", "b.tif"]', "", {}, "give images and labels, or a layout"),
        ('labels = ["a-label.tif", "b-label.tif"]', 'labels = "a-label.tif"', {}, "as many labels as images"),
        ('images = ["a.tif", "b.tif"]', 'images = ["b.tif", "a.tif"]', {}, r"a-label.tif: .*\(3, 48, 48\)"),
        ('["5-6"]', '["5-7"]', {}, "validates on plane 7, but there are only 7"),
        ('["5-6"]', '["5-"]', {}, "data.stack.validation"),
        ("steps = 2\n", "", {}, "either steps or minutes"),
        ("steps = 2\n", "steps = 2\nstart_share = 0.25\n", {}, "fit.start_share is of fine-tuning"),
    ],
)
def test_mistakes_are_named(data: Path, old: str, new: str, choices: dict[str, str], message: str) -> None:
    (data / "tiny.toml").write_text(RECIPE.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        run(data, **choices)


def test_what_is_no_recipe_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.toml").write_bytes(b"\xff\xd8")
    (tmp_path / "half.toml").write_text("[data")
    for name, reason in (("none.toml", "No such file"), ("image.toml", "decode"), ("half.toml", "at end")):
        with pytest.raises(RecipeError, match=f"{name}: this recipe cannot be read: .*{reason}"):
            read_recipe(tmp_path / name)


def test_protocols_are_tables(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text('protocol = "paper"')
    with pytest.raises(RecipeError, match=r"protocol holds tables, such as \[protocol\.NAME\]"):
        read_recipe(tmp_path / "tiny.toml")


def test_stacks_that_differ_in_size(data: Path) -> None:
    for name in ("b", "b-label"):
        tifffile.imwrite(data / f"{name}.tif", np.ones((4, 32, 32), np.uint8), photometric="minisblack")
    with pytest.raises(RecipeError, match=r"differ in size; data\.resize makes them alike"):
        run(data)


def test_classes_of_values_and_colours() -> None:
    values = np.array([[0, 3, 255]])
    assert class_ids(values, {0: 1, 255: 2}).tolist() == [[1, 0, 2]]
    assert class_ids(values, {0: 1, "other": 2}).tolist() == [[1, 2, 2]]
    colours = np.array([[[255, 0, 255], [255, 0, 0], [0, 0, 0]]], np.uint8)
    assert class_ids(colours, {"#FF00ff": 1, "#ff0000": 2}).tolist() == [[1, 2, 0]]
    assert class_ids(colours, {255: 1}).tolist() == [[1, 1, 0]]  # the first channel
    assert class_ids(values, {"#030303": 2}).tolist() == [[0, 2, 0]]  # grey ones are colours too


def test_resizing_keeps_class_ids_and_axes() -> None:
    ids = np.zeros((1, 4, 4), np.uint8)
    ids[:, :2] = 2
    assert np.array_equal(resized(ids, (1, 8, 8), smooth=False), ids.repeat(2, 1).repeat(2, 2))
    ramp = np.tile(np.arange(8, dtype=np.uint8) * 20, (1, 8, 1))
    halved = resized(ramp, (1, 4, 4), smooth=True)
    assert halved.dtype == np.uint8
    assert np.abs(halved[0, 1].astype(int) - [10, 50, 90, 130]).max() <= 8  # the means of pairs, blurred at the ends


PICTURES = """
name = "road"
select = "jaccard"
[data]
kind = "pictures"
images = "image/*_*.png"
labels = "truth/*_road_*.png"
classes = { "#ff00ff" = 1, "#ff0000" = 2 }
validation = 2
[network]
name = "unet"
settings = { in_channels = 3, width = 4, depth = 1, batch_norm = true, dropout = 0 }
[normalisation]
method = "range"
[fit]
steps = 60
batch = 2
patch = 32
learning_rate = 1e-2
ema = 0.5
[fit.augment]
elastic_px = 0
contrast = 0.1
brightness = 0.05
light = 0.05
noise = 0.02
defects = 0
[card]
title = "Road"
summary = "For tests"
halo = 8
licence = "BSD-3-Clause"
classes = [{ id = 1, name = "road", color = "#ff00ff" }, { id = 2, name = "other", color = "#ff0000" }]
"""


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """Dark roads on bright ground, and a black corner that is not judged, of two sizes."""
    for part in ("image", "truth"):
        (tmp_path / part).mkdir()
    for i, shape in enumerate([(40, 64), (44, 60), (40, 64), (44, 60), (40, 64)]):
        truth = np.zeros((*shape, 3), np.uint8)
        truth[..., 0] = 255
        truth[20:, 20:40, 2] = 255
        image = np.where(truth[..., 2:] > 0, 40, 210).astype(np.uint8).repeat(3, 2)
        truth[:10, :10] = 0
        image[:10, :10] = 40  # looks like road: to find it there must cost nothing
        iio.imwrite(tmp_path / "image" / f"um_{i:06d}.png", image)
        iio.imwrite(tmp_path / "truth" / f"um_road_{i:06d}.png", truth)
    (tmp_path / "road.toml").write_text(PICTURES)
    return tmp_path


def test_pictures_are_learnt_and_scored_by_their_overlap(road: Path) -> None:
    _, model = run(road, "road.toml")
    scores = model.card.scores[0]
    assert scores.data == "held out of training: 2 of 5 pictures, evenly spread"
    assert set(scores.values) == {"jaccard", "ap50", "ap70", "ap90"}
    assert scores.values["jaccard"] > 0.8
    assert scores.values["ap50"] == scores.values["ap70"] == 1
    pixels = 2 * 44 * 60 + 40 * 64 - 3 * 10 * 10  # of pictures 1, 2 and 3; their corners are not annotated
    assert sum(model.card.training.annotated_pixels.values()) == pixels


def test_pictures_in_turn_and_resized(road: Path) -> None:
    text = PICTURES.replace("validation = 2", 'validation = 2\nresize = [32, 48]\ndraw = "in-turn"')
    augment = text[text.index("[fit.augment]") : text.index("[card]")]
    text = text.replace(augment, "").replace("steps = 60", "epochs = 2").replace("patch = 32", "patch = 64")
    (road / "road.toml").write_text(text)
    _, model = run(road, "road.toml")
    assert model.card.training.steps == 3
    assert sum(model.card.training.annotated_pixels.values()) < 3 * 32 * 48


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("validation = 2", "validation = 5", "there are 5 pictures, of which 5"),
        ('"#ff00ff" = 1, "#ff0000" = 2', '"#00ff00" = 1', "nothing is annotated"),
        ('"#ff00ff" = 1', '"magenta" = 1', "data.pictures.classes"),
        ('method = "range"', 'method = "zscore"', "each of them stands for itself"),
    ],
)
def test_mistakes_with_pictures_are_named(road: Path, old: str, new: str, message: str) -> None:
    (road / "road.toml").write_text(PICTURES.replace(old, new))
    with pytest.raises(RecipeError, match=message):
        run(road, "road.toml")


def test_a_truth_of_another_size(road: Path) -> None:
    iio.imwrite(road / "truth" / "um_road_000003.png", np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(RecipeError, match=r"um_road_000003.png: the truth has \(5, 5\) pixels"):
        run(road, "road.toml")
