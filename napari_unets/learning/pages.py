"""Pages to learn from: pictures of any size, each with its truth beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from natsort import natsorted
from torch import Tensor

from napari_unets.errors import NapariUnetsError
from napari_unets.images import Stack, as_stack, compute_statistics, open_stack, prepare_plane
from napari_unets.learning.augment import mirrored, random_offsets
from napari_unets.learning.class_values import class_ids
from napari_unets.learning.page_augment import PageAugmentSettings, degrade_pages, vary_values

__all__ = ["Page", "PageSampler", "PagesError", "find_pages", "read_image", "read_page"]


class PagesError(NapariUnetsError):
    """Pages that are not there, or do not fit their truth."""


@dataclass(frozen=True)
class Page:
    """A page in memory, a byte a value: there may be hundreds.

    Attributes
    ----------
    image : Tensor
        ``(channels, height, width)`` uint8; 0 is black and 255 white.
    ids : Tensor
        ``(height, width)`` uint8 class ids; 0 = not annotated.
    """

    image: Tensor
    ids: Tensor

    @property
    def stack(self) -> Stack:
        """The image, to run a network on."""
        image = self.image.numpy()
        return as_stack(image, rgb=False) if len(image) == 1 else as_stack(np.moveaxis(image, 0, -1)[None], rgb=True)


def find_pages(folder: Path, images: str, labels: str) -> dict[str, tuple[Path, Path]]:
    """Find pages and their truths.

    Parameters
    ----------
    folder : Path
        Where to look.
    images : str
        A pattern with stars, such as ``"*/*_source.png"``; a star stands for any part of one name.
    labels : str
        The same with the stars in the same order, such as ``"*/*_target.png"``: they stand for what they stood for.

    Returns
    -------
    dict of str to tuple of Path
        Image and truth by the image's path in the folder, in natural order.

    Raises
    ------
    PagesError
        If there is no page, or one has no truth.
    """
    if images.count("*") != labels.count("*"):
        raise PagesError(f"the patterns {images!r} and {labels!r} differ in the number of their stars")
    pattern = re.compile(re.escape(images).replace(r"\*", "([^/]*)"))
    found: dict[str, tuple[Path, Path]] = {}
    for path in natsorted(folder.glob(images)):
        name = path.relative_to(folder).as_posix()
        match = pattern.fullmatch(name)
        if match is None:
            continue
        truth = folder / labels
        for part in match.groups():
            truth = Path(str(truth).replace("*", part, 1))
        if not truth.exists():
            raise PagesError(f"{path}: the page has no truth; {truth} is missing")
        found[name] = (path, truth)
    if not found:
        raise PagesError(f"{folder}: there is no page {images!r}")
    return found


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a page's name fits one of some patterns, such as ``"2016/*"``."""
    return any(fnmatch(name, pattern) for pattern in patterns)


def read_page(image: Path, truth: Path, classes: Mapping[int, int], channels: int) -> Page:
    """Read a page and its truth.

    Parameters
    ----------
    image, truth : Path
        Files; the first plane of each is taken.
    classes : mapping of int to int
        Class id of each value in the truth.
    channels : int
        1 for luminance, 3 for colour.

    Raises
    ------
    PagesError
        If the two differ in size.
    ImageError
        If one cannot be read.
    """
    plane = read_image(image, channels)
    values = read_truth(truth)
    if values.shape != plane.shape[1:]:
        raise PagesError(f"{truth}: the truth has {values.shape} pixels, the page {plane.shape[1:]}")
    ids = class_ids(values, classes)
    return Page(torch.from_numpy((plane * 255).round().clip(0, 255).astype(np.uint8)), torch.from_numpy(ids))


def read_image(path: Path, channels: int) -> npt.NDArray[np.float32]:
    """First plane of a file as ``(channels, height, width)``, 0 … 1 by the range of its type.

    What holds for one image then holds for all, and for images yet to come.
    """
    with open_stack(path) as stack:
        return prepare_plane(stack.plane(0), channels, compute_statistics(stack, "range"))


def read_truth(path: Path) -> npt.NDArray[np.generic]:
    """First plane of a file, without its colours."""
    with open_stack(path) as stack:
        plane = np.asarray(stack.plane(0))
    return plane if plane.ndim == 2 else plane[..., 0]


class PageSampler:
    """Draws batches of patches: a page, a place on it (every other time one with ink), warped, degraded and varied.

    Large pages are drawn more often than small ones, by the root of their area.

    Parameters
    ----------
    pages : sequence of Page
        At least one of them with ink.
    size : int
        Side of a patch in pixels.
    settings : PageAugmentSettings
        How patches are changed.
    seed : int
        Same seed, same batches.
    """

    def __init__(self, pages: Sequence[Page], size: int, settings: PageAugmentSettings, seed: int = 0) -> None:
        self._pages = list(pages)
        self._ink = [torch.nonzero(page.ids.reshape(-1) == 1).squeeze(1).to(torch.int32) for page in pages]
        if not any(len(ink) for ink in self._ink):
            raise PagesError("there is no ink on the pages to learn from; see data.classes in the recipe")
        self._weights = torch.tensor([float(page.ids.numel()) for page in pages]).sqrt()
        self._size = size
        self._settings = settings
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Returns
        -------
        images : Tensor
            ``(n, channels, size, size)`` float32 in 0 … 1.
        ids : Tensor
            ``(n, size, size)`` int64 class ids, 0 = not annotated.
        """
        x, ids = self._cut(n)
        back, back_ids = self._cut(n)
        x, ids = degrade_pages(x, ids, back, back_ids, self._settings, self.generator)
        return vary_values(x, self._settings, self.generator), ids

    def _cut(self, n: int) -> tuple[Tensor, Tensor]:
        offsets = random_offsets(n, self._size, self._settings.geometry, self.generator)
        cut = [self._patch(*self._centre(), grid) for grid in offsets]
        return torch.stack([image for image, _ in cut]), torch.stack([ids for _, ids in cut])

    def _choose(self, n: int) -> int:
        return int(torch.randint(n, (1,), generator=self.generator))

    def _centre(self) -> tuple[int, float, float]:
        number = int(torch.multinomial(self._weights, 1, generator=self.generator))
        height, width = self._pages[number].ids.shape
        ink = self._ink[number]
        if len(ink) and self._choose(2):
            y, x = divmod(int(ink[self._choose(len(ink))]), width)
        else:
            y, x = self._choose(height), self._choose(width)
        shift = (torch.rand(2, generator=self.generator) - 0.5) * self._size / 2
        return number, self._inside(y + float(shift[0]), height), self._inside(x + float(shift[1]), width)

    def _inside(self, centre: float, length: int) -> float:
        """Nearest centre whose patch does not reach over the border: what is mirrored there is no writing."""
        half = (min(self._size, length) - 1) / 2
        return min(max(centre, half), length - 1 - half)

    def _patch(self, number: int, y: float, x: float, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Warp one patch, mirrored at the page's border; ``offsets`` are ``(size, size, 2)`` along y and x."""
        page = self._pages[number]
        grid = mirrored(offsets + torch.tensor([y, x]), torch.tensor(page.ids.shape, dtype=torch.float32))
        low = grid.amin((0, 1)).floor().long()
        high = grid.amax((0, 1)).ceil().long() + 1
        window = (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
        image = page.image[(slice(None), *window)].float().div_(255)
        ids = page.ids[window].float()
        grid = ((grid - low) * 2 / (high - low - 1).clamp_min(1) - 1).flip(-1)[None]  # grid_sample: x before y
        warped = F.grid_sample(image[None], grid, mode="bilinear", padding_mode="border", align_corners=True)
        nearest = F.grid_sample(ids[None, None], grid, mode="nearest", padding_mode="border", align_corners=True)
        return warped[0], nearest[0, 0].round().long()
