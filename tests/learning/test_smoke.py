"""Every shipped recipe runs: a smoke run of each, on data of its layout that are made here."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import torch

from napari_unets.images import synthetic_em_stack
from napari_unets.learning.recipe import PagesRecipe, PhotographsRecipe, PicturesRecipe, StackRecipe, read_recipe
from napari_unets.learning.recipe_file import _read
from napari_unets.learning.training import run_recipe
from napari_unets.models import load_model
from napari_unets.networks import create_network

RECIPES = Path(__file__).parents[2] / "training"
# Modules before the cascades that are made of them.
PATHS = sorted(RECIPES.glob("*.toml"), key=lambda p: ("module" not in p.stem, p.stem))
PROTOCOLS = [(path, protocol) for path in PATHS for protocol in _read(path, ()).get("protocol", [None])]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of models that the recipes of this module fill one after the other."""
    return tmp_path_factory.mktemp("models")


def make_stack(data: StackRecipe, folder: Path) -> None:
    """Stacks of the layout that the recipe wants, with its labels' values."""
    if data.layout == "piriform-cortex":
        for name, planes in (("stack2", 170), ("stack3", 169)):
            image, truth = synthetic_em_stack(1, 64, seed=1)
            for what, stack in (("image", image), ("label", truth)):
                tifffile.imwrite(folder / f"{name}-{what}.tif", np.repeat(stack, planes, 0), photometric="minisblack")
        return
    if data.layout == "isbi-2012":
        for name, stack in zip(
            ("train-volume.tif", "train-labels.tif"), synthetic_em_stack(6, 64, seed=1), strict=True
        ):
            tifffile.imwrite(folder / name, stack, photometric="minisblack")
        return
    assert isinstance(data.validation, list)
    image, truth = synthetic_em_stack(max(data.validation) + 2, 64, seed=1)
    for name, planes in ((data.images, image), (data.labels, truth)):
        (folder / name).mkdir()
        for i, plane in enumerate(planes):
            iio.imwrite(folder / name / f"{i:03d}.png", plane)


def make_pictures(folder: Path) -> None:
    """Write pictures of the layout of KITTI's road benchmark."""
    for part in ("image_2", "gt_image_2"):
        (folder / "training" / part).mkdir(parents=True)
    truth = np.zeros((60, 200, 3), np.uint8)
    truth[..., 0] = 255
    truth[40:, 50:150, 2] = 255
    for i in range(5):
        iio.imwrite(folder / "training" / "image_2" / f"um_{i:06d}.png", truth // 2 + 20 + i)
        iio.imwrite(folder / "training" / "gt_image_2" / f"um_road_{i:06d}.png", truth)


def make_pages(data: PagesRecipe, folder: Path) -> None:
    for year in ("2009", "2016"):
        (folder / year).mkdir()
        ink = np.zeros((72, 100), bool)
        ink[20:26, 10:80] = True
        iio.imwrite(folder / year / "H1_source.png", np.where(ink, 30, 220).astype(np.uint8))
        iio.imwrite(folder / year / "H1_target.png", np.where(ink, 0, 255).astype(np.uint8))


def make_photographs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(5):
        coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        iio.imwrite(folder / f"{i}.png", coarse.repeat(8, 0).repeat(8, 1))


@pytest.mark.parametrize(("path", "protocol"), PROTOCOLS, ids=lambda p: p.stem if isinstance(p, Path) else p or "")
def test_smoke(path: Path, protocol: str | None, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(store))
    recipe = read_recipe(path, protocol=protocol)
    if missing := [name for name in recipe.network.pretrained if not (store / name).exists()]:
        pytest.skip(f"the modules {', '.join(missing)} have not been trained: run the whole file")
    if isinstance(recipe.data, PhotographsRecipe):
        make_photographs(tmp_path)
    elif isinstance(recipe.data, PagesRecipe):
        make_pages(recipe.data, tmp_path)
    elif isinstance(recipe.data, PicturesRecipe):
        make_pictures(tmp_path)
    else:
        make_stack(recipe.data, tmp_path)
    folder = store / (path.stem if protocol is None else recipe.name)
    list(run_recipe(path, tmp_path, folder, smoke=True, device="cpu", protocol=protocol))
    model = load_model(folder)
    assert model.card.name == recipe.name
    assert model.card.training.steps == 4
    assert bool(model.card.scores) == bool(recipe.data.validation)
    assert all(recipe.select in (*score.values, "last") for score in model.card.scores)


@pytest.mark.parametrize(("path", "protocol"), PROTOCOLS, ids=lambda p: p.stem if isinstance(p, Path) else p or "")
def test_every_network_of_a_recipe_can_be_built(path: Path, protocol: str | None) -> None:
    for network in _read(path, ()).get("networks", [None]):
        recipe = read_recipe(path, protocol=protocol, network=network)
        with torch.device("meta"):
            made = create_network(recipe.network.name, **recipe.network.settings)
        assert recipe.model_card(made).title.startswith(recipe.card.title)
        assert made.next_valid_size(recipe.fit.patch) == recipe.fit.patch
