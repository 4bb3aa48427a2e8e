"""Photographs to learn an operator from: its result is computed when a picture is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from natsort import natsorted
from torch import Tensor

from napari_unets.errors import NapariUnetsError
from napari_unets.images import LUMINANCE
from napari_unets.learning.operators import Operator, apply_operator
from napari_unets.learning.page_augment import ValueSettings, vary_values
from napari_unets.learning.pages import read_image

__all__ = ["PhotographAugmentSettings", "PhotographSampler", "PhotographsError", "find_photographs"]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")
_ZOOM = 1.6


class PhotographsError(NapariUnetsError):
    """A folder without a photograph."""


class PhotographAugmentSettings(ValueSettings):
    """How much photographs are changed before the operator sees them."""

    contrast: float = 0.5
    brightness: float = 0.1
    gamma: float = 0.4


def find_photographs(folder: Path) -> list[Path]:
    """Photographs in a folder and its sub-folders, in natural order.

    Raises
    ------
    PhotographsError
        If there is none.
    """
    found = [path for path in natsorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    if not found:
        raise PhotographsError(f"{folder}: there is no photograph ({', '.join(_SUFFIXES)})")
    return found


def grey_of(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Luminance (ITU-R BT.601) of ``(channels, height, width)``: what the operators look at."""
    if x.shape[0] == 1:
        return np.asarray(x[0])
    return np.asarray(np.tensordot(np.array(LUMINANCE, np.float32), x, 1), np.float32)


class PhotographSampler:
    """Draws patches of photographs, with what an operator makes of the whole picture as their target.

    A picture is read when it is drawn, resized and turned at random, and changed in contrast, light and colour;
    then the operator is applied to all of it, and one patch is cut out of both.

    Parameters
    ----------
    paths : sequence of Path
        Photographs of any size; small ones are mirrored at their border.
    operator : str
        See :func:`~napari_unets.learning.operators.apply_operator`.
    channels : int
        1 for luminance, 3 for colour.
    size : int
        Side of a patch in pixels.
    settings : PhotographAugmentSettings
        How pictures are changed.
    seed : int
        Same seed, same batches.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        operator: Operator,
        channels: int,
        size: int,
        settings: PhotographAugmentSettings,
        seed: int = 0,
    ) -> None:
        self._paths = list(paths)
        self._operator = operator
        self._channels = channels
        self._size = size
        self._settings = settings
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Returns
        -------
        images : Tensor
            ``(n, channels, size, size)`` float32 in 0 … 1.
        targets : Tensor
            ``(n, size, size)`` float32 in 0 … 1.
        """
        drawn = [self._one() for _ in range(n)]
        return torch.stack([image for image, _ in drawn]), torch.stack([target for _, target in drawn])

    def _choose(self, n: int) -> int:
        return int(torch.randint(n, (1,), generator=self.generator))

    def _one(self) -> tuple[Tensor, Tensor]:
        photograph = torch.from_numpy(read_image(self._paths[self._choose(len(self._paths))], self._channels))
        x = vary_values(self._resized(photograph[None]), self._settings, self.generator)[0]
        x = torch.rot90(x, self._choose(4), (1, 2))
        if self._choose(2):
            x = x.flip(-1)
        target = torch.from_numpy(apply_operator(self._operator, grey_of(x.numpy())))
        top, left = (self._choose(length - self._size + 1) for length in target.shape)
        window = (slice(top, top + self._size), slice(left, left + self._size))
        return x[(slice(None), *window)].contiguous(), target[window]

    def _resized(self, x: Tensor) -> Tensor:
        zoom = math.exp((2 * float(torch.rand(1, generator=self.generator)) - 1) * math.log(_ZOOM))
        height, width = (max(2, round(length * zoom)) for length in x.shape[2:])
        x = F.interpolate(x, (height, width), mode="bilinear", antialias=zoom < 1)
        while min(x.shape[2:]) < self._size:  # reflection gives at most one pixel less than there are
            more = [min(max(self._size - length, 0), length - 1) for length in (x.shape[3], x.shape[2])]
            x = F.pad(x, (0, more[0], 0, more[1]), mode="reflect")
        return x
