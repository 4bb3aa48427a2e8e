"""Losses: worked values, and no influence of what is not annotated."""

from __future__ import annotations

import math

import pytest
import torch

from napari_unets.learning.losses import UnknownLossError, create_loss, loss_names

NAMES = [*loss_names(), "bce+dice"]


def logits_of(probabilities: list[float]) -> torch.Tensor:
    return torch.logit(torch.tensor(probabilities)).reshape(1, 1, 1, -1)


def test_values_worked_by_hand() -> None:
    # class 1 at 0.8, class 2 (so 1 - p counts) at 0.4, the third is not annotated
    logits, annotations = logits_of([0.8, 0.4, 0.9]), torch.tensor([[[1, 2, 0]]])
    assert float(create_loss("bce")(logits, annotations)) == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2)
    assert float(create_loss("mse")(logits, annotations)) == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert float(create_loss("dice")(logits, annotations)) == pytest.approx(1 - (2 * 0.8 + 1) / (1.2 + 1 + 1))


def test_several_classes() -> None:
    logits = torch.tensor([2.0, 0.0, -1.0]).reshape(1, 3, 1, 1)
    expected = -math.log(math.exp(0) / (math.exp(2) + 1 + math.exp(-1)))
    assert float(create_loss("bce")(logits, torch.tensor([[[2]]]))) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_unannotated_pixels_have_no_influence(name: str, channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    annotations = torch.randint(0, 3, (2, 8, 8), generator=generator)
    logits = torch.randn(2, channels, 8, 8, generator=generator, requires_grad=True)
    loss = create_loss(name)
    loss(logits, annotations).backward()
    assert logits.grad is not None
    hidden = (annotations == 0).unsqueeze(1).expand_as(logits)
    assert (logits.grad[hidden] == 0).all()
    assert (logits.grad[~hidden] != 0).any()
    changed = torch.where(hidden, torch.full_like(logits, 7.0), logits)
    torch.testing.assert_close(loss(changed, annotations), loss(logits, annotations))


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_cost_less(name: str) -> None:
    annotations = torch.tensor([[[1, 2], [2, 1]]])
    right = torch.tensor([[[[5.0, -5.0], [-5.0, 5.0]]]])
    loss = create_loss(name)
    assert loss(right, annotations) < loss(torch.zeros_like(right), annotations) < loss(-right, annotations)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_annotated_is_finite(name: str) -> None:
    assert torch.isfinite(create_loss(name)(torch.randn(1, 1, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)))


@pytest.mark.parametrize("name", ["bce", "border"])
@pytest.mark.parametrize("channels", [1, 3])
def test_label_smoothing_is_least_at_a_share_of_doubt(name: str, channels: int) -> None:
    annotations = torch.tensor([[[1]]])
    doubt = 0.3 / max(channels, 2)
    logits = torch.full((1, channels, 1, 1), math.log(doubt))
    logits[:, 0] = math.log(1 - (max(channels, 2) - 1) * doubt)
    if channels == 1:
        logits = logits - math.log(doubt)
    smoothed = create_loss(name, 0.3)
    for step in (-0.1, 0.1):
        other = logits.clone()
        other[:, 0] += step
        assert smoothed(other, annotations) > smoothed(logits, annotations)
    assert create_loss("mse", 0.3)(logits, annotations) == create_loss("mse")(logits, annotations)


def test_unknown_loss_lists_the_names() -> None:
    with pytest.raises(UnknownLossError, match="bce, border, mse, dice"):
        create_loss("bce+focal")
