"""Planes in turn: each once an epoch, in every orientation, and a stopped run goes on where it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unets.learning.samples import AnnotatedPlane
from napari_unets.learning.turn_sampler import TurnSampler


def planes(*shapes: tuple[int, int]) -> list[AnnotatedPlane]:
    """Planes whose pixels are all different, and differ from plane to plane; the annotation is the value's parity."""
    made = []
    for number, (height, width) in enumerate(shapes):
        values = np.arange(height * width).reshape(height, width) + 1000 * number
        made.append(AnnotatedPlane(values[None].astype(np.float32), (values % 2 + 1).astype(np.uint8)))
    return made


def test_each_plane_comes_once_an_epoch_in_changing_order() -> None:
    sampler = TurnSampler(planes((4, 4), (4, 4), (4, 4), (4, 4), (4, 4)), 4, seed=1)
    assert sampler.samples == 5
    epochs = [[int(image[0, 0, 0]) for image in sampler.draw(5)[0]] for _ in range(4)]
    assert all(sorted(epoch) == [0, 1000, 2000, 3000, 4000] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_eightfold_shows_the_eight_orientations() -> None:
    sampler = TurnSampler(planes((3, 3)), 3, eightfold=True)
    images, ids = sampler.draw(sampler.samples)
    plane = images[0, 0].numpy()
    expected = {np.rot90(p, k).tobytes() for p in (plane, plane[:, ::-1]) for k in range(4)}
    assert {np.ascontiguousarray(image[0].numpy()).tobytes() for image in images} == expected
    torch.testing.assert_close(ids, images[:, 0].long() % 2 + 1)  # labels turn with their image


def test_windows_fit_into_the_smallest_plane() -> None:
    sampler = TurnSampler(planes((6, 9), (5, 20)), 8, seed=2)
    images, ids = sampler.draw(40)
    assert (images.shape, ids.shape) == ((40, 1, 5, 8), (40, 5, 8))
    assert len({float(image[0, 0, 0]) for image in images}) > 4  # they lie anywhere
    assert TurnSampler(planes((6, 9)), 8, eightfold=True).draw(1)[0].shape == (1, 1, 6, 6)


def test_the_generator_holds_the_place_in_the_run() -> None:
    whole = TurnSampler(planes((6, 6), (6, 6), (6, 6)), 4, eightfold=True, seed=3)
    drawn = torch.cat([whole.draw(2)[0] for _ in range(20)])
    first, second = (TurnSampler(planes((6, 6), (6, 6), (6, 6)), 4, eightfold=True, seed=3) for _ in range(2))
    begun = torch.cat([first.draw(2)[0] for _ in range(7)])
    second.generator.set_state(first.generator.get_state())
    rest = torch.cat([second.draw(2)[0] for _ in range(13)])
    assert torch.equal(torch.cat([begun, rest]), drawn)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_seed_decides(seed: int) -> None:
    same = [TurnSampler(planes(*[(4, 4)] * 6), 4, seed=s).draw(6)[0] for s in (seed, seed, 5)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])
