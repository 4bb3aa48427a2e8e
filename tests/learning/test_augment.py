"""Augmentation: repeatable, off when switched off, and geometrically right."""

from __future__ import annotations

import pytest
import torch

from napari_unets.learning.augment import AugmentSettings, augment_values, random_offsets

NOTHING = AugmentSettings.none()


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def only(**settings) -> AugmentSettings:
    return NOTHING.model_copy(update=settings)


def test_switched_off_changes_nothing() -> None:
    offsets = random_offsets(2, 5, NOTHING, generator())
    line = torch.arange(5.0) - 2
    torch.testing.assert_close(offsets[1, :, :, 0], line[:, None].expand(5, 5))
    torch.testing.assert_close(offsets[1, :, :, 1], line[None, :].expand(5, 5))
    x = torch.randn(2, 1, 8, 8)
    torch.testing.assert_close(augment_values(x, NOTHING, generator()), x)


def test_same_seed_same_result() -> None:
    settings = AugmentSettings(defects=1.0)
    x = torch.randn(4, 2, 32, 32, generator=generator())
    first = augment_values(x, settings, generator(1)), random_offsets(4, 32, settings, generator(1))
    again = augment_values(x, settings, generator(1)), random_offsets(4, 32, settings, generator(1))
    other = augment_values(x, settings, generator(2)), random_offsets(4, 32, settings, generator(2))
    for a, b, c in zip(first, again, other, strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_rotation_and_flip_keep_distances() -> None:
    offsets = random_offsets(8, 9, only(flip=True, rotate_degrees=180), generator())
    still = random_offsets(1, 9, NOTHING, generator())
    torch.testing.assert_close(offsets.norm(dim=-1), still.norm(dim=-1).expand(8, 9, 9), atol=1e-4, rtol=1e-4)
    # Both orientations occur: the sign of the cross product of the two axes tells a mirror image.
    down, right = offsets[:, 8, 4] - offsets[:, 0, 4], offsets[:, 4, 8] - offsets[:, 4, 0]
    orientation = (down[:, 0] * right[:, 1] - down[:, 1] * right[:, 0]).sign()
    assert set(orientation.tolist()) == {-1.0, 1.0}


def test_zoom_stays_within_its_limits() -> None:
    offsets = random_offsets(200, 3, only(log_scale=1.0, max_zoom=1.5), generator())
    spacing = offsets[:, 0, 2, 1] - offsets[:, 0, 1, 1]
    assert spacing.min() == pytest.approx(1 / 1.5, rel=1e-4)
    assert spacing.max() == pytest.approx(1.5, rel=1e-4)


def test_elastic_deformation_has_the_stated_size() -> None:
    nodes = random_offsets(400, 2, only(elastic_px=8.0, elastic_nodes=2), generator())
    moved = nodes - random_offsets(1, 2, NOTHING, generator())
    assert float(moved.std()) == pytest.approx(8.0, rel=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        {"contrast": 0.5},
        {"brightness": 0.5},
        {"gamma": 0.5},
        {"light": 0.5},
        {"noise": 0.5},
        {"defects": 1.0},
        {"fading": 1.0},
    ],
)
def test_each_change_of_values_does_something_finite(settings: dict) -> None:
    x = torch.randn(6, 3, 24, 24, generator=generator())
    y = augment_values(x, only(**settings), generator())
    assert y.shape == x.shape
    assert torch.isfinite(y).all()
    assert not torch.allclose(x, y)


def test_blur_keeps_the_mean_and_lowers_the_variance() -> None:
    x = torch.randn(30, 1, 32, 32, generator=generator())
    y = augment_values(x, only(blur_px=3.0), generator())
    changed = (x - y).abs().amax((1, 2, 3)) > 1e-3
    assert 3 <= int(changed.sum()) <= 17  # one in three
    assert (y[changed].var((1, 2, 3)) < x[changed].var((1, 2, 3))).all()
    torch.testing.assert_close(y.mean((1, 2, 3)), x.mean((1, 2, 3)), atol=0.05, rtol=0)


def test_fading_makes_thin_lines_faint_and_leaves_what_is_flat() -> None:
    x = torch.zeros(40, 1, 96, 96)
    x[..., ::24] = -2.0  # dark lines on an even ground
    y = augment_values(x, only(fading=0.5), generator())
    changed = (x - y).abs().amax((1, 2, 3)) > 1e-3
    assert 8 <= int(changed.sum()) <= 32  # one in two
    assert (y[changed] >= -2.0 - 1e-5).all()  # nothing grows darker than the lines were
    assert (y[changed] <= 1e-5).all()
    line = y[changed][..., 48]
    assert float(line.amin()) < -1.8  # in places the lines are as they were
    assert float(line.amax()) > -0.6  # in others they are hardly there
    flat = torch.full((8, 1, 32, 32), 0.7)
    torch.testing.assert_close(augment_values(flat, only(fading=1.0), generator()), flat)


def test_constant_patches_stay_finite() -> None:
    y = augment_values(torch.zeros(4, 1, 16, 16), AugmentSettings(defects=1.0, fading=1.0), generator())
    assert torch.isfinite(y).all()
