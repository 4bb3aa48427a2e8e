"""What is read and kept of an annotated plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests_support import tiny_model

from napari_unets.images import Stack, compute_statistics, prepare_plane
from napari_unets.learning.annotations import AnnotatedStack
from napari_unets.learning.preparing import prepare
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import tuning_settings

SETTINGS = tuning_settings(patch=64)


@pytest.fixture
def strokes():
    """An image of 3000 × 2500 pixels with a stroke in each of two corners."""
    image = np.random.default_rng(0).integers(0, 255, (1, 3000, 2500), dtype=np.uint8)
    painted = np.zeros(image.shape, np.uint8)
    painted[0, 40:45, 30:90] = 1
    painted[0, 2900:2906, 2390:2460] = 2
    return AnnotatedStack.of(image, painted)


@pytest.mark.parametrize("method", ["zscore", "percentile"])
def test_what_lies_between_strokes_far_apart_is_not_read(strokes, monkeypatch, method):
    card = tiny_model().card
    card = card.model_copy(update={"normalisation": card.normalisation.model_copy(update={"method": method})})
    read = []
    plane = Stack.plane

    def watched(self, number, window=None):
        pixels = plane(self, number, window)
        read.append(pixels.size)
        return pixels

    statistics = compute_statistics(strokes.stack, method)
    monkeypatch.setattr("napari_unets.learning.preparing.compute_statistics", lambda *_, **__: statistics)
    monkeypatch.setattr(Stack, "plane", watched)
    (found,) = prepare(strokes, card, SETTINGS).planes
    assert sum(read) < 0.3 * strokes.stack.nbytes
    monkeypatch.undo()
    whole = prepare_plane(strokes.stack.plane(0), 1, statistics)
    box = found.annotations.shape
    everything = AnnotatedPlane(whole[:, : box[0], : box[1]], found.annotations, found.mean, found.deviation)
    draws = [PatchSampler([one], 64, SETTINGS.augment, seed=3).draw(64) for one in (found, everything)]
    assert torch.equal(draws[0][0], draws[1][0])
    assert torch.equal(draws[0][1], draws[1][1])
    assert (found.mean, found.deviation) == (0, 1) if method == "zscore" else 0.4 < found.mean < 0.6
