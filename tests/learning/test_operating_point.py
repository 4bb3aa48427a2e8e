"""The threshold of a tuned model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unets.learning.operating_point import adjusted_to_frequencies, choose_threshold, raised_for, threshold_for
from napari_unets.networks import create_network


@pytest.mark.parametrize("share", [0.05, 0.2, 0.7])
def test_strokes_of_both_classes_alike_and_an_image_that_is_not(share):
    """Grey values of two classes overlap; a classifier learnt from as many of each, and its errors are the fewest."""
    rng = np.random.default_rng(1)

    def probability(ids):
        grey = np.where(ids == 1, 1.0, -1.0) + rng.normal(0, 1, ids.shape)
        return 1 / (1 + np.exp(-2 * grey))  # Bayes' rule for these two, equally frequent

    strokes = np.repeat([1, 2], 20_000)
    image = np.where(rng.random(100_000) < share, 1, 2)
    p = probability(image)
    threshold = threshold_for(float(p.mean()), probability(strokes), strokes)
    assert threshold == pytest.approx(1 - share, abs=0.03)
    wrong = {t: np.mean((p > t) != (image == 1)) for t in (*np.arange(0.02, 1, 0.02), threshold)}
    assert wrong[threshold] <= min(wrong.values()) + 0.002


def test_a_class_is_not_lost_to_a_network_that_is_not_sure_yet():
    ids = np.repeat([1, 2], 50)
    threshold = threshold_for(0.32, np.where(ids == 1, 0.6, 0.3), ids)  # Bayes' rule alone: 0.92
    assert 0.3 <= threshold < 0.6


@pytest.mark.parametrize("share", [0.003, 0.01, 0.02])
def test_a_class_that_is_rarer_than_what_strokes_can_tell_is_not_lost(share):
    """A classifier that is nearly always right, and a little less sure of the rare class."""
    ids = np.repeat([1, 2], 500)
    p = np.where(ids == 1, np.linspace(0.9, 0.97, 1000), np.linspace(0.0, 0.02, 1000))
    of_first, of_second = p[ids == 1].mean(), p[ids == 2].mean()
    threshold = threshold_for(share * of_first + (1 - share) * of_second, p, ids)
    assert threshold <= 0.91


def test_where_strokes_cannot_say():
    ids = np.repeat([1, 2], 50)
    assert threshold_for(0.2, np.full(100, 0.4), ids) is None
    assert threshold_for(0.2, np.full(100, 0.4), np.ones(100, int)) is None


def test_without_annotations_kept_aside_the_default_stays():
    network = create_network("unet", in_channels=1, out_channels=1, width=2, depth=1)
    assert choose_threshold(network, [], [], list, 0.37) == 0.37


def grey_of(ids, rng):
    """Three classes that overlap, of the grey values -2, 0 and 2."""
    return 2.0 * (ids.astype(float) - 2) + rng.normal(0, 1, ids.shape)


def probabilities(grey):
    """Of a classifier that has learnt from as many pixels of each of the three."""
    likelihood = np.exp(-0.5 * (grey - np.array([-2.0, 0, 2])[:, None]) ** 2)
    return likelihood / likelihood.sum(0)


@pytest.mark.parametrize("shares", [[0.9, 0.07, 0.03], [0.2, 0.7, 0.1]])
def test_strokes_of_three_classes_alike_and_an_image_that_is_not(shares):
    rng = np.random.default_rng(1)
    strokes = np.repeat([1, 2, 3], 20_000)
    image = rng.choice([1, 2, 3], 100_000, p=shares)
    p = probabilities(grey_of(image, rng))
    by = raised_for(p.mean(1), probabilities(grey_of(strokes, rng)), strokes)
    bayes = np.log(shares)
    assert by - by[0] == pytest.approx(bayes - bayes[0], abs=0.3)

    def wrong(offsets):
        return np.mean((np.log(p) + offsets[:, None]).argmax(0) + 1 != image)

    assert wrong(by) < wrong(np.zeros(3)) - 0.02
    assert wrong(by) <= wrong(bayes) + 0.002


def test_a_rare_class_is_not_lost_to_a_network_that_is_not_sure_yet():
    ids = np.repeat([1, 2, 3], 50)
    p = np.full((3, 150), 0.25)
    p[ids - 1, np.arange(150)] = 0.5
    means = np.array([0.9, 0.05, 0.05]) @ np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.25, 0.5]])
    by = raised_for(means, p, ids)  # Bayes' rule alone would leave nothing of the second and third
    assert (np.log(p) + by[:, None]).argmax(0).tolist() == (ids - 1).tolist()


def test_a_class_of_three_that_is_rarer_than_what_strokes_can_tell_is_not_lost():
    ids = np.repeat([1, 2, 3], 50)
    p = np.full((3, 150), 0.02)
    p[ids - 1, np.arange(150)] = 0.96
    p[:, ids == 3] = np.array([0.07, 0.03, 0.9])[:, None]
    means = np.array([0.85, 0.14, 0.01]) @ np.stack([p[:, ids == c].mean(1) for c in (1, 2, 3)])
    by = raised_for(means, p, ids)
    assert ((np.log(p) + by[:, None]).argmax(0) + 1 == ids).mean() > 0.99


def test_where_strokes_of_three_classes_cannot_say():
    ids = np.repeat([1, 2, 3], 50)
    assert raised_for(np.ones(3) / 3, np.full((3, 150), 1 / 3), ids) is None
    assert raised_for(np.ones(3) / 3, np.eye(3)[:, ids - 1], np.minimum(ids, 2)) is None


class Aside:
    """Annotations kept aside, and what any network makes of them: grey values are the network's first logit."""

    ids = np.repeat(np.uint8([1, 2, 3]), 400)

    def annotated(self, network):
        return probabilities(grey_of(self.ids, np.random.default_rng(0))), self.ids


def test_a_network_is_adjusted_to_strokes_only():
    network = create_network("unet", in_channels=1, out_channels=3, width=2, depth=1).eval()
    strokes, slices = np.eye(64, dtype=np.uint8), np.ones((64, 64), np.uint8)
    x = torch.zeros(1, 1, 16, 16)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([2.0, 0.0, 0.0]))  # most of the image is the first class
        changed = adjusted_to_frequencies(network, [Aside()], [strokes], lambda: [x[0].numpy()])
        raised = (changed(x) - network(x)).mean((0, 2, 3))
    assert raised[0] > raised[1] + 0.5
    assert network.head.bias.tolist() == [2.0, 0.0, 0.0]  # the one that was given stays as it is
    for same in ([[Aside()], [slices]], [[], []]):
        assert adjusted_to_frequencies(network, *same, list) is network
    two = create_network("unet", in_channels=1, out_channels=1, width=2, depth=1)
    assert adjusted_to_frequencies(two, [Aside()], [strokes], list) is two
