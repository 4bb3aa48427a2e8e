"""How many windows, of which size, at once: as much as the memory takes and no more than helps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, isqrt

import torch

from napari_unets.inference import memory
from napari_unets.inference.errors import WindowMemoryError
from napari_unets.inference.predictor import Predictor
from napari_unets.inference.reading import mirrored
from napari_unets.inference.settings import InferenceSettings
from napari_unets.inference.windows import Grid, covered, fit_windows

__all__ = ["Plan", "fixed_settings", "make_plan", "region_extent", "resolve_halo"]

_MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """Windows of a plane and how many are computed together.

    Attributes
    ----------
    height, width : int
        Of the plane.
    halo : int
        Half the overlap of windows, in pixels.
    region : tuple of slice, or None
        Part of the plane that is wanted.
    grid : Grid
        Its windows.
    batch : int
        Windows a call; they may belong to several planes.
    """

    height: int
    width: int
    halo: int
    region: tuple[slice, slice] | None
    grid: Grid
    batch: int

    def smaller(self, predictor: Predictor) -> Plan:
        """Return the next smaller plan, after this one ran out of memory.

        Raises
        ------
        WindowMemoryError
            If there is none.
        """
        if self.batch > 1:
            return replace(self, batch=self.batch // 2)
        border = 2 * predictor.geometry.margin
        pixels = (self.grid.shape[0] + border) * (self.grid.shape[1] + border) // 2
        grid = fit_windows(self.height, self.width, predictor.geometry, self.halo, pixels=pixels, region=self.region)
        if grid.window_pixels >= self.grid.window_pixels:
            height, width = self.grid.shape
            raise WindowMemoryError(
                f"model {predictor.model.name!r} does not fit into the free memory of {predictor.device} "
                f"({memory.free_memory(predictor.device) // _MIB} MiB), even with the smallest window "
                f"({height}×{width} pixels with a halo of {self.halo}); close other programs, choose a smaller halo, "
                "or another device"
            )
        return replace(self, grid=grid)


def resolve_halo(predictor: Predictor) -> int:
    """Halo in pixels that the settings mean for this model; never more than the exact one."""
    halo, exact = predictor.settings.halo, predictor.geometry.exact_halo
    if halo == "exact":
        return exact
    if halo == "card":
        return min(ceil(predictor.model.card.halo / predictor.scale), exact)  # measured in pixels that the network sees
    return min(halo, exact)


def make_plan(
    predictor: Predictor, height: int, width: int, n_planes: int, region: tuple[slice, slice] | None = None
) -> Plan:
    """Choose windows and batch from the settings and the free memory.

    Parameters
    ----------
    predictor : Predictor
        Knows the device and what a pixel takes.
    height, width : int
        Of a plane.
    n_planes : int
        Planes to be run over.
    region : tuple of slice, optional
        Part of each plane that is wanted (y, x).
    """
    settings, geometry = predictor.settings, predictor.geometry
    most = _pixels_at_once(predictor)
    halo = resolve_halo(predictor)
    grid = fit_windows(
        height, width, geometry, halo, largest=settings.tile, pixels=None if settings.tile else most, region=region
    )
    return Plan(height, width, halo, region, grid, _batch(predictor, grid, n_planes))


def _batch(predictor: Predictor, grid: Grid, n_planes: int) -> int:
    batch = predictor.settings.batch
    if batch is None:
        border = 2 * predictor.geometry.margin
        window = (grid.shape[0] + border) * (grid.shape[1] + border)
        batch = max(1, min(_pixels_at_once(predictor), _useful_pixels(predictor.device)) // window)
    return min(batch, n_planes * len(grid))


def region_extent(
    predictor: Predictor, height: int, width: int, region: tuple[slice, slice] | None = None
) -> tuple[slice, slice]:
    """Return the part of a plane that is read to run over a region of it: the region and its halo, within the plane.

    Parameters
    ----------
    predictor : Predictor
        Knows the network and the halo.
    height, width : int
        Of the plane.
    region : tuple of slice, optional
        With start and stop; all of the plane by default.
    """
    if region is None:
        return slice(0, height), slice(0, width)
    geometry, halo = predictor.geometry, resolve_halo(predictor)
    parts = []
    for length, part in zip((height, width), region, strict=True):
        begin, end = covered(length, geometry, halo, part.start, part.stop)
        # Windows may reach outside of the plane, where its mirror image lies.
        index = mirrored(begin - geometry.margin, end + geometry.margin, length)
        parts.append(slice(int(index.min()), int(index.max()) + 1))
    return parts[0], parts[1]


def fixed_settings(predictor: Predictor, height: int, width: int, n_planes: int) -> InferenceSettings:
    """Return the predictor's settings with window and batch chosen, for runs that must not depend on free memory.

    The same windows always give the same bits, other windows the same but for rounding.

    Parameters
    ----------
    predictor : Predictor
        Its settings may leave the choice open.
    height, width, n_planes : int
        What is run over at a time.
    """
    settings = predictor.settings
    if settings.tile is None:
        border = 2 * predictor.geometry.margin
        side = min(isqrt(_pixels_at_once(predictor)), max(height, width) + border)
        settings = settings.model_copy(update={"tile": max(1, side - border)})
    grid = fit_windows(height, width, predictor.geometry, resolve_halo(predictor), largest=settings.tile)
    return settings.model_copy(update={"batch": _batch(predictor, grid, n_planes)})


def _pixels_at_once(predictor: Predictor) -> int:
    """Pixels whose feature maps fit into a fair share of the free memory."""
    free = memory.free_memory(predictor.device)
    if torch.device(predictor.device).type == "cpu":
        # Larger windows than this gain next to nothing, and the memory is everybody's.
        budget = min(free / 2, 1024 * _MIB)
        return min(int(budget / predictor.bytes_per_pixel), 2**22)
    # Feature maps of 2**31 values and more are slow, or not possible at all.
    return min(int(0.8 * free / predictor.bytes_per_pixel), 2**23)


def _useful_pixels(device: str) -> int:
    """Pixels from which on more at once is no faster."""
    return 2**18 if torch.device(device).type == "cpu" else 2**23
