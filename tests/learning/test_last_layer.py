"""The last layer finds a class that the features can tell apart, and nothing else of the network changes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_unets.learning.head import grow_head
from napari_unets.learning.last_layer import learn_last_layer
from napari_unets.networks import Network, create_network

NETWORKS = {
    "unet": {"width": 8, "depth": 2, "batch_norm": True},
    "unet-plus-plus": {"width": 8, "depth": 2, "batch_norm": True},
    "segnet": {"widths": [24, 24], "convolutions": [1, 1]},
    "sf-net": {"width": 8, "narrow": 8, "depth": 2},
}


def painted() -> tuple[Tensor, Tensor]:
    """Three grey values side by side, and a stroke across them; beyond it the ids would say the contrary."""
    ids = torch.ones(4, 64, 96, dtype=torch.int64)
    ids[:, :, 32:64] = 2
    ids[:, :, 64:] = 3
    noise = 0.1 * torch.randn(4, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    image = torch.tensor([0.0, -1.5, 1.0, 2.0])[ids][:, None] + noise
    strokes = torch.zeros_like(ids)
    strokes[:, 20:26] = ids[:, 20:26]
    return image, strokes


def grown(name: str) -> Network:
    torch.manual_seed(1)
    return grow_head(create_network(name, 1, 1, **NETWORKS[name]).eval(), 3).eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_new_class_is_found_and_the_features_stay(name: str):
    network, (image, strokes) = grown(name), painted()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    learnt = learn_last_layer(network, image, strokes)
    known = strokes > 0
    with torch.no_grad():
        assert (network(image).argmax(1)[known] == 2).float().mean() < 0.1
        right = (learnt(image).argmax(1) + 1)[known] == strokes[known]
    assert right.float().mean() > 0.9
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    changed = {key for key, value in learnt.state_dict().items() if not torch.equal(value, before[key])}
    assert changed
    assert all("head" in key for key in changed)


def test_what_is_not_painted_has_no_influence():
    network, (image, strokes) = grown("unet"), painted()
    elsewhere = image.clone()
    elsewhere[:, :, 45:] = 7.0  # farther away than the network sees
    for mine, theirs in zip(
        learn_last_layer(network, image, strokes).head.parameters(),
        learn_last_layer(network, elsewhere, strokes).head.parameters(),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def test_a_class_of_few_pixels_counts_like_the_others():
    network, (image, strokes) = grown("unet"), painted()
    strokes[:, :, 64:] = 0
    strokes[0, 20:24, 70:74] = 3  # sixteen pixels
    learnt = learn_last_layer(network, image, strokes)
    with torch.no_grad():
        assert (learnt(image)[:, :, 20:26, 70:90].argmax(1) == 2).float().mean() > 0.9


def test_nothing_painted_and_layers_of_another_resolution_change_nothing():
    image, strokes = painted()
    network = grown("unet")
    coarse = create_network("fcn-8s", 1, 3, widths=[4] * 5, hidden=8).eval()
    for given, ids in ((network, torch.zeros_like(strokes)), (coarse, strokes)):
        learnt = learn_last_layer(given, image, ids)
        assert all(map(torch.equal, learnt.state_dict().values(), given.state_dict().values()))


def test_unpadded_networks_learn_from_the_middle_of_the_patches():
    image, strokes = painted()
    torch.manual_seed(0)
    network = create_network("unet", 1, 3, width=8, depth=1, padding="valid", batch_norm=True).eval()
    learnt = learn_last_layer(network, image, strokes)
    margin = network.margin
    inner = strokes[..., margin:-margin, margin:-margin]
    with torch.no_grad():
        right = (learnt(image).argmax(1) + 1)[inner > 0] == inner[inner > 0]
    assert right.float().mean() > 0.9
