"""Planes that do not fit into memory several times over."""

from __future__ import annotations

import tracemalloc

import numpy as np
import torch

from napari_unets.inference import Predictor, predict, segment

from .shared import STRICT, small_model

WIDTH, HEIGHT = 16_384, 4_608


class Generated:
    """A plane that exists only where it is looked at: a ramp along x."""

    shape, dtype = (1, HEIGHT, WIDTH), np.dtype(np.uint8)

    def __init__(self):
        self.largest = 0

    def __getitem__(self, index):
        rows, columns = (np.arange(n)[part] for n, part in zip(self.shape[1:], index[1:], strict=True))
        self.largest = max(self.largest, len(rows) * len(columns))
        return np.broadcast_to((columns // 64).astype(np.uint8), (1, len(rows), len(columns)))


class Dropped:
    """Chunked storage that keeps one row of pixels and counts the others."""

    shape, chunks = (1, HEIGHT, WIDTH), (1, 1024, 1024)

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype)
        self.row = np.zeros(WIDTH, dtype)
        self.written = 0

    def __setitem__(self, index, values):
        self.written += values.size
        if index[1].start <= 3000 < index[1].stop:
            self.row[index[2]] = values[3000 - index[1].start]


def test_memory_around_the_network_is_bounded(monkeypatch):
    source, probabilities, ids = Generated(), Dropped(np.float32), Dropped(np.uint8)
    model = small_model("sf-net")
    with Predictor(model, STRICT) as predictor:
        # What the network itself takes is not the matter here.
        monkeypatch.setattr(predictor._backend, "logits", torch.from_numpy)
        tracemalloc.start()
        try:
            predict(model, source, out=probabilities, predictor=predictor)
            segment(model, source, out=ids, predictor=predictor, threshold=0.7)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    ramp = np.arange(WIDTH) // 64
    expected = 1 / (1 + np.exp(-(ramp - 127.5) / np.std(np.arange(256))))
    np.testing.assert_allclose(probabilities.row, expected, atol=1e-5)
    np.testing.assert_array_equal(ids.row, np.where(expected > 0.7, 1, 2))
    assert probabilities.written == ids.written == WIDTH * HEIGHT
    assert source.largest < 2**26
    assert peak < 800e6
