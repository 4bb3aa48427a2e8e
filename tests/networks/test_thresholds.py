"""Thresholds as networks: sizes, settings, and that they are no networks to be trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unets.networks import NetworkSettingsError, create_network, network_class, network_names

NAMES = ["otsu", "niblack", "sauvola", "wolf"]


@pytest.mark.parametrize("name", NAMES)
def test_is_a_formula(name):
    network = create_network(name)
    assert not network.has_weights
    assert network.n_parameters == 0
    assert not network.state_dict()
    assert name not in network_names()
    assert network_class(name).paper


@pytest.mark.parametrize("name", NAMES[1:])
def test_the_result_is_smaller_by_half_a_window(name):
    network = create_network(name, window=5)
    assert network.margin == network.receptive_field_radius == 2
    assert network(torch.rand(2, 1, 9, 5)).shape == (2, 1, 5, 1)
    assert create_network(name, **network.config).config == network.config


def test_by_hand():
    """Nine pixels, 0 and eight times 0.9: mean 0.8, deviation sqrt(0.72 - 0.64) = 0.2828."""
    x = torch.full((1, 1, 3, 3), 0.9)
    x[0, 0, 1, 1] = 0
    logits = {
        "niblack": 0.8 - 0.5 * 0.08**0.5,
        "sauvola": 0.8 * (1 + 0.5 * (0.08**0.5 / 0.5 - 1)),
        "wolf": 0.8 * (1 - 0.5 * (1 - 0.08**0.5)),
    }
    for name, expected in logits.items():
        found = create_network(name, window=3, k=0.5, softness=1.0)(x)
        assert found.item() == pytest.approx(expected, abs=1e-6)
    assert create_network("otsu", softness=0.5)(x)[0, 0, 0, 0].item() == pytest.approx(-1.8)


def test_empty_paper_is_no_ink():
    """No deviation, so that the threshold is the paper itself: rounding must not decide."""
    x = torch.full((1, 1, 400, 400), 0.7)
    for name in NAMES:
        assert not (torch.sigmoid(create_network(name)(x)) > 0.5).any()


def test_sums_do_not_lose_digits():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.random((1, 1, 700, 300), np.float32))
    whole, part = (create_network("sauvola", window=31)(y) for y in (x, x[..., -200:, :]))
    torch.testing.assert_close(whole[..., -170:, :], part, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("sauvola", {"window": 4}, "odd"),
        ("niblack", {"window": 0}, "odd"),
        ("wolf", {"in_channels": 3}, "one channel"),
        ("otsu", {"softness": 0.0}, "softness"),
        ("sauvola", {"r": 0.0}, "r above 0"),
    ],
)
def test_mistakes(name, settings, said):
    with pytest.raises(NetworkSettingsError, match=said):
        create_network(name, **settings)
