"""Patches come from annotated places, balanced, with image and annotations warped alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler


def plane(annotations: np.ndarray) -> AnnotatedPlane:
    """Give a plane whose grey value is its class id, so that image and annotations can be compared."""
    return AnnotatedPlane(annotations.astype(np.float32)[None], annotations.astype(np.uint8))


def test_every_patch_holds_annotated_pixels() -> None:
    annotations = np.zeros((200, 300), np.uint8)
    annotations[150, 280] = 1
    images, labels = PatchSampler([plane(annotations)], 32, AugmentSettings.none()).draw(20)
    assert images.shape == (20, 1, 32, 32)
    assert labels.dtype == torch.int64
    assert (labels.flatten(1) == 1).any(1).all()


def test_classes_and_planes_are_drawn_equally_often() -> None:
    common = np.full((64, 64), 2, np.uint8)
    common[5, 5] = 1  # one pixel of class 1 against 4095 of class 2
    dots = np.zeros((64, 64), np.uint8)
    dots[40, 40] = 1
    sampler = PatchSampler([plane(common), plane(dots)], 8, AugmentSettings.none())
    _, labels = sampler.draw(400)
    with_one = (labels.flatten(1) == 1).any(1)
    full = (labels.flatten(1) != 0).all(1)
    assert 0.4 < float(full.float().mean()) < 0.6  # half of the patches from each plane
    assert 0.35 < float(with_one[full].float().mean()) < 0.65  # half of those around the single pixel


def test_image_and_annotations_are_warped_alike() -> None:
    y, x = np.mgrid[:128, :128]
    annotations = np.where((x // 32 + y // 32) % 2, 1, 3).astype(np.uint8)
    geometry = AugmentSettings.none().model_copy(update={"flip": True, "rotate_degrees": 180.0, "elastic_px": 3.0})
    images, labels = PatchSampler([plane(annotations)], 64, geometry).draw(8)
    # Bilinear against nearest: they may differ only along the edges of the squares.
    assert float(((images[:, 0] - labels).abs() < 0.5).float().mean()) > 0.95


def test_border_is_mirrored() -> None:
    ramp = np.tile(np.arange(1, 17, dtype=np.uint8), (16, 1))
    images, _ = PatchSampler([plane(ramp)], 32, AugmentSettings.none()).draw(16)
    steps = images[:, 0].diff(dim=2).abs()
    # Along a row the mirrored ramp rises and falls by one a pixel, also when a turn falls between two pixels.
    assert float(steps.max()) <= 1 + 1e-3
    assert float(images.min()) >= 1
    assert float(images.max()) <= 16


def test_same_seed_same_patches() -> None:
    annotations = np.random.default_rng(0).integers(0, 3, (90, 70))
    draws = [PatchSampler([plane(annotations)], 32, AugmentSettings(), seed).draw(3) for seed in (5, 5, 6)]
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert not torch.equal(draws[0][0], draws[2][0])


def test_planes_of_different_sizes() -> None:
    planes = [plane(np.ones((20, 40))), plane(np.full((100, 30), 2)), plane(np.zeros((50, 50)))]
    images, labels = PatchSampler(planes, 48, AugmentSettings()).draw(12)
    assert torch.isfinite(images).all()
    assert set(labels.unique().tolist()) == {1, 2}


def test_nothing_annotated() -> None:
    with pytest.raises(ValueError, match="nothing is annotated"):
        PatchSampler([plane(np.zeros((16, 16)))], 8, AugmentSettings.none())


def test_grey_values_are_changed_in_units_of_their_deviation() -> None:
    """The same plane between 0 and 1, as pages are, is changed as much as that of mean 0 and deviation 1."""
    values = np.random.default_rng(0).normal(size=(1, 64, 64)).astype(np.float32)
    ids = np.ones((64, 64), np.uint8)
    planes = AnnotatedPlane(values, ids), AnnotatedPlane(values * 0.1 + 0.8, ids, mean=0.8, deviation=0.1)
    (first, _), (second, _) = (PatchSampler([plane], 32, AugmentSettings(), seed=1).draw(16) for plane in planes)
    torch.testing.assert_close(second, first * 0.1 + 0.8, atol=1e-4, rtol=1e-4)
