"""Every shipped recipe runs: a smoke run of each, on data of its layout that are made here."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from napari_unets.images import synthetic_em_stack
from napari_unets.learning.recipe import PagesRecipe, PhotographsRecipe, StackRecipe, read_recipe
from napari_unets.learning.training import run_recipe
from napari_unets.models import load_model

RECIPES = Path(__file__).parents[2] / "training"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of models that the recipes of this module fill one after the other."""
    return tmp_path_factory.mktemp("models")


def make_stack(data: StackRecipe, folder: Path) -> None:
    image, truth = synthetic_em_stack(max(data.validation) + 2, 64, seed=1)
    for name, planes in ((data.images, image), (data.labels, truth)):
        (folder / name).mkdir()
        for i, plane in enumerate(planes):
            iio.imwrite(folder / name / f"{i:03d}.png", plane)


def make_pages(data: PagesRecipe, folder: Path) -> None:
    for year in ("2009", data.validation[0].partition("/")[0]):
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


# Modules before the cascades that are made of them.
@pytest.mark.parametrize(
    "path", sorted(RECIPES.glob("*.toml"), key=lambda p: ("module" not in p.stem, p.stem)), ids=lambda p: p.stem
)
def test_smoke(path: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(store))
    recipe = read_recipe(path)
    if missing := [name for name in recipe.network.pretrained if not (store / name).exists()]:
        pytest.skip(f"the modules {', '.join(missing)} have not been trained: run the whole file")
    if isinstance(recipe.data, PhotographsRecipe):
        make_photographs(tmp_path)
    elif isinstance(recipe.data, PagesRecipe):
        make_pages(recipe.data, tmp_path)
    else:
        make_stack(recipe.data, tmp_path)
    list(run_recipe(path, tmp_path, store / path.stem, smoke=True, device="cpu"))
    model = load_model(store / path.stem)
    assert model.card.name == path.stem
    assert recipe.select in model.card.scores[0].values
    assert (store / path.stem / "weights.safetensors").stat().st_size < 10e6
