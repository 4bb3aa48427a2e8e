"""Patches for training, drawn where something is annotated and warped in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor

from napari_unets.learning.augment import AugmentSettings, augment_values, mirrored, random_offsets

__all__ = ["AnnotatedPlane", "PatchSampler"]


@dataclass(frozen=True)
class AnnotatedPlane:
    """One plane to learn from.

    Attributes
    ----------
    image : ndarray
        ``(channels, height, width)`` float32, normalised with its stack's statistics.
    annotations : ndarray
        ``(height, width)`` class ids; 0 = not annotated.
    mean, deviation : float
        Of the grey values, in whose units they are changed; what normalising by the z-score leaves, if not given. A
        page from 0 to 1 is hardly to be read any more after changes that an image of deviation 1 can do with.
    """

    image: npt.NDArray[np.float32]
    annotations: npt.NDArray[np.uint8]
    mean: float = 0.0
    deviation: float = 1.0


class PatchSampler:
    """Draws batches: a plane, a class on it, an annotated pixel of that class, and a warped patch around it.

    Planes are drawn equally often, and on a plane its classes equally often, so that neither a slice with
    many strokes nor a frequent class drowns the others.

    Parameters
    ----------
    planes : sequence of AnnotatedPlane
        At least one of them annotated.
    size : int
        Side of a patch in pixels.
    settings : AugmentSettings
        Augmentation.
    seed : int
        Same seed, same batches.
    """

    def __init__(self, planes: Sequence[AnnotatedPlane], size: int, settings: AugmentSettings, seed: int = 0) -> None:
        self._images = [torch.from_numpy(np.ascontiguousarray(p.image)) for p in planes]
        self._labels = [torch.from_numpy(p.annotations.astype(np.uint8)) for p in planes]
        self._pixels: list[list[Tensor]] = []
        for label in self._labels:
            flat = label.reshape(-1)
            self._pixels.append([torch.nonzero(flat == c).squeeze(1) for c in torch.unique(flat).tolist() if c])
        self._drawable = [i for i, classes in enumerate(self._pixels) if classes]
        if not self._drawable:
            raise ValueError("nothing is annotated on these planes")
        self._means, self._deviations = (
            torch.tensor(values) for values in ([p.mean for p in planes], [p.deviation for p in planes])
        )
        self._size = size
        self._settings = settings
        self.generator = torch.Generator().manual_seed(seed)

    def _choose(self, n: int) -> int:
        return int(torch.randint(n, (1,), generator=self.generator))

    def _centre(self) -> tuple[int, float, float]:
        plane = self._drawable[self._choose(len(self._drawable))]
        pixels = self._pixels[plane][self._choose(len(self._pixels[plane]))]
        y, x = divmod(int(pixels[self._choose(len(pixels))]), self._labels[plane].shape[1])
        # The annotated pixel lies anywhere in the inner half of the patch, not always in its middle.
        shift = (torch.rand(2, generator=self.generator) - 0.5) * self._size / 2
        return plane, y + float(shift[0]), x + float(shift[1])

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Returns
        -------
        images : Tensor
            ``(n, channels, size, size)`` float32.
        annotations : Tensor
            ``(n, size, size)`` int64 class ids, 0 = not annotated.
        """
        centres = [self._centre() for _ in range(n)]
        planes = [c[0] for c in centres]
        grid = random_offsets(n, self._size, self._settings, self.generator)
        grid = grid + torch.tensor([c[1:] for c in centres])[:, None, None, :]
        lengths = torch.tensor([self._labels[p].shape for p in planes], dtype=torch.float32)
        grid = mirrored(grid, lengths[:, None, None, :])
        images, labels = self._windows(planes, grid)
        warped = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=True)
        classes = F.grid_sample(labels, grid, mode="nearest", padding_mode="border", align_corners=True)
        mean, deviation = (values[planes][:, None, None, None] for values in (self._means, self._deviations))
        changed = augment_values((warped - mean) / deviation, self._settings, self.generator) * deviation + mean
        return changed, classes[:, 0].round().long()

    def _windows(self, planes: list[int], grid: Tensor) -> tuple[Tensor, Tensor]:
        """Cut the source windows of a batch to one common size and express ``grid`` in their coordinates (in place)."""
        low = grid.amin((1, 2)).floor().long()
        high = grid.amax((1, 2)).ceil().long() + 1
        height, width = (int(v) for v in (high - low).amax(0))
        channels = self._images[planes[0]].shape[0]
        images = torch.zeros(len(planes), channels, height, width)
        labels = torch.zeros(len(planes), 1, height, width)
        for i, plane in enumerate(planes):
            window = (slice(int(low[i, 0]), int(high[i, 0])), slice(int(low[i, 1]), int(high[i, 1])))
            cut = self._images[plane][(slice(None), *window)]
            images[i, :, : cut.shape[1], : cut.shape[2]] = cut
            labels[i, 0, : cut.shape[1], : cut.shape[2]] = self._labels[plane][window]
        span = torch.tensor([max(height - 1, 1), max(width - 1, 1)], dtype=torch.float32)
        grid.sub_(low[:, None, None, :]).mul_(2 / span).sub_(1)
        grid.copy_(grid.flip(-1))  # grid_sample wants x before y
        return images, labels
