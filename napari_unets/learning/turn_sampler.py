"""Planes in turn: each once an epoch, as the papers' training loops have it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from napari_unets.learning.samples import AnnotatedPlane

__all__ = ["TurnSampler"]

#: Flips and rotations of a square.
_ORIENTATIONS = 8


class TurnSampler:
    """Draws every plane once an epoch, whole or a window of it, in an order that changes from epoch to epoch.

    Parameters
    ----------
    planes : sequence of AnnotatedPlane
        Planes of one size, or else windows are cut that fit into the smallest.
    size : int
        Largest side of a window in pixels; planes that are no larger come whole.
    eightfold : bool
        Each plane counts eight times: in its four rotations, and mirrored in each.
    seed : int
        Same seed, same batches.

    Attributes
    ----------
    generator : torch.Generator
        Its seed counts the samples drawn so far, so that a run's checkpoint holds the place in the epoch as well.
    """

    def __init__(self, planes: Sequence[AnnotatedPlane], size: int, *, eightfold: bool = False, seed: int = 0) -> None:
        self._planes = [(torch.from_numpy(p.image), torch.from_numpy(p.annotations)) for p in planes]
        height, width = (min(p.annotations.shape[axis] for p in planes) for axis in (0, 1))
        if eightfold:
            height = width = min(height, width)
        self._window = min(size, height), min(size, width)
        self._orientations = _ORIENTATIONS if eightfold else 1
        self._seed = seed
        self._order: tuple[int, Tensor] | None = None
        self.generator = torch.Generator().manual_seed(0)

    @property
    def samples(self) -> int:
        """Samples an epoch."""
        return len(self._planes) * self._orientations

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Returns
        -------
        images : Tensor
            ``(n, channels, height, width)`` float32.
        annotations : Tensor
            ``(n, height, width)`` int64 class ids, 0 = not annotated.
        """
        first = self.generator.initial_seed()
        drawn = [self._sample(first + i) for i in range(n)]
        self.generator.manual_seed((first + n) % 2**63)
        return torch.stack([image for image, _ in drawn]), torch.stack([ids for _, ids in drawn])

    def _sample(self, number: int) -> tuple[Tensor, Tensor]:
        """Give the sample that is drawn as the ``number``-th of the run."""
        epoch, place = divmod(number, self.samples)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, torch.randperm(self.samples, generator=self._chance(epoch))
        index, orientation = divmod(int(self._order[1][place]), self._orientations)
        image, ids = (_turned(part, orientation) for part in self._planes[index])
        chance = self._chance(number + 1)
        y, x = (
            int(torch.randint(length - side + 1, (1,), generator=chance))
            for length, side in zip(ids.shape, self._window, strict=True)
        )
        window = (..., slice(y, y + self._window[0]), slice(x, x + self._window[1]))
        return image[window], ids[window].long()

    def _chance(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed(hash((self._seed, number)) % 2**63)


def _turned(x: Tensor, orientation: int) -> Tensor:
    turned = torch.rot90(x, orientation % 4, (-2, -1))
    return turned.flip(-1) if orientation >= 4 else turned
