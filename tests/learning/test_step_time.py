"""Time of a step: of a quick one measured as a whole, of a slow one reckoned from a single patch."""

from __future__ import annotations

import time

import pytest
import torch
from tests_support import tiny_model

from napari_unets.learning import NothingToTrainError, step_seconds, tuning_settings
from napari_unets.learning.samples import PatchSampler
from napari_unets.models import load_model

SETTINGS = tuning_settings(minutes=5, batch=4, patch=32)


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """Sizes of the batches that are drawn."""
    sizes: list[int] = []
    draw = PatchSampler.draw

    def count(self: PatchSampler, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        sizes.append(n)
        return draw(self, n)

    monkeypatch.setattr(PatchSampler, "draw", count)
    return sizes


def test_quick_steps_are_timed_as_a_whole(drawn) -> None:
    model = tiny_model()
    before = {name: weight.clone() for name, weight in model.network.state_dict().items()}
    begun = time.perf_counter()
    seconds = step_seconds(model, SETTINGS, device="cpu")
    assert 0 < seconds < time.perf_counter() - begun
    assert drawn == [1, 1, 4, 4]
    assert all(torch.equal(weight, before[name]) for name, weight in model.network.state_dict().items())


def test_slow_steps_are_reckoned_from_one_patch(drawn) -> None:
    assert step_seconds(tiny_model(), SETTINGS, device="cpu", clock=iter([10.0, 12.5]).__next__) == 4 * 2.5
    assert drawn == [1, 1]


def test_formulas_have_no_steps() -> None:
    with pytest.raises(NothingToTrainError):
        step_seconds(load_model("otsu"), SETTINGS)
