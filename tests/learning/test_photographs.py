"""Photographs, and what the classical operators make of them."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import torch

from napari_unets.learning.operators import BINARY_OPERATORS, OPERATORS, apply_operator
from napari_unets.learning.pages import read_image
from napari_unets.learning.photographs import (
    PhotographAugmentSettings,
    PhotographSampler,
    PhotographsError,
    find_photographs,
    grey_of,
)

NOTHING = PhotographAugmentSettings.model_validate(dict.fromkeys(PhotographAugmentSettings.model_fields, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, shape in (("a10.png", (40, 60, 3)), ("a2.png", (20, 90)), ("more/b.jpg", (50, 50, 3))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        iio.imwrite(tmp_path / name, rng.integers(0, 256, shape, dtype=np.uint8))
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_point_grows_and_goes() -> None:
    image = np.full((9, 9), 0.25, np.float32)
    image[4, 4] = 0.75
    grown = apply_operator("dilation", image)
    y, x = np.mgrid[-4:5, -4:5]
    np.testing.assert_array_equal(grown, np.where(y**2 + x**2 <= 4, np.float32(0.75), np.float32(0.25)))
    np.testing.assert_array_equal(apply_operator("erosion", image), np.full_like(image, 0.25))


def test_otsu_parts_two_values_and_takes_a_blank_image_for_bright() -> None:
    image = np.where(np.arange(20) < 6, 0.2, 0.6).astype(np.float32)[None].repeat(4, 0)
    np.testing.assert_array_equal(apply_operator("otsu", image), (image > 0.5).astype(np.float32))
    assert apply_operator("otsu", np.full((4, 4), 0.3, np.float32)).all()


def test_edges_lie_on_the_step() -> None:
    image = np.zeros((20, 20), np.float32)
    image[:, 10:] = 1
    edges = apply_operator("canny", image)
    assert edges[5:15, 9:11].any(axis=1).all()
    assert edges[:, :8].sum() == edges[:, 12:].sum() == 0


def test_equalisation_gives_the_ranks() -> None:
    image = (np.arange(16, dtype=np.float32) ** 2 / 225).reshape(4, 4)
    assert np.corrcoef(apply_operator("histogram-equalisation", image).ravel(), np.arange(16))[0, 1] > 0.99


def test_photographs_are_found_in_sub_folders_in_natural_order(folder: Path) -> None:
    assert [path.relative_to(folder).as_posix() for path in find_photographs(folder)] == [
        "a2.png",
        "a10.png",
        "more/b.jpg",
    ]
    (folder / "empty").mkdir()
    with pytest.raises(PhotographsError, match="no photograph"):
        find_photographs(folder / "empty")


def test_a_photograph_is_read_by_the_range_of_its_type(folder: Path) -> None:
    colour = read_image(folder / "a10.png", 3)
    assert colour.shape == (3, 40, 60)
    np.testing.assert_allclose(colour, np.moveaxis(iio.imread(folder / "a10.png"), -1, 0) / 255, atol=1e-6)
    assert read_image(folder / "a2.png", 3).shape == (3, 20, 90)
    np.testing.assert_allclose(grey_of(colour), read_image(folder / "a10.png", 1)[0], atol=1e-5)
    assert grey_of(colour[:1]).shape == (40, 60)


@pytest.mark.parametrize("operator", OPERATORS)
def test_targets_are_the_operator_of_what_is_drawn(folder: Path, operator: str) -> None:
    # Of a photograph as large as the patch the patch is all there is, and the operator sees the same.
    sampler = PhotographSampler([folder / "more" / "b.jpg"], operator, 3, 80, PhotographAugmentSettings(grey=0), 1)
    images, targets = sampler.draw(4)
    assert images.shape == (4, 3, 80, 80)
    assert targets.shape == (4, 80, 80)
    assert targets.dtype == torch.float32
    assert 0 <= targets.min() < targets.max() <= 1
    if operator in BINARY_OPERATORS:
        assert set(targets.unique().tolist()) == {0, 1}
    for image, target in zip(images, targets, strict=True):
        expected = apply_operator(operator, grey_of(image.numpy()))
        inside = (slice(8, -8), slice(8, -8))  # a mirrored border that was cut off counts a little
        assert np.abs(expected - target.numpy())[inside].mean() < (0.02 if operator == "canny" else 0.01)


def test_same_seed_same_batches(folder: Path) -> None:
    def draw() -> tuple[torch.Tensor, torch.Tensor]:
        return PhotographSampler(find_photographs(folder), "erosion", 1, 32, PhotographAugmentSettings(), 4).draw(5)

    (first, targets), (second, again) = draw(), draw()
    assert first.shape == (5, 1, 32, 32)
    assert torch.equal(first, second)
    assert torch.equal(targets, again)


def test_switched_off_only_size_and_turn_change(folder: Path) -> None:
    iio.imwrite(folder / "flat.png", np.full((64, 64, 3), (51, 102, 204), np.uint8))
    images, targets = PhotographSampler([folder / "flat.png"], "dilation", 3, 32, NOTHING, 0).draw(3)
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.tensor([0.2, 0.4, 0.8]))
    torch.testing.assert_close(targets, torch.full_like(targets, 0.2 * 0.299 + 0.4 * 0.587 + 0.8 * 0.114))
