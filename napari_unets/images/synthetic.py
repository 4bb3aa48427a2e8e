"""A made-up EM stack whose truth is known exactly: the sample that ships with the package.

Neurites are the cells of an additively weighted Voronoi tessellation (so their borders are curved) on
smoothly bent coordinates; centres, sizes and bending change slowly along z. A section is thick: what is
drawn is the mean of several thinner cuts, so a membrane that runs obliquely through the section is a wide
grey band, as under a microscope. Mitochondria, vesicles and synaptic densities are there to distract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

__all__ = ["SYNTHETIC_VOXEL_SIZE_NM", "SyntheticVolume", "smooth_noise", "synthetic_em_stack", "synthetic_em_volume"]

#: Voxel size z, y, x that the sample pretends to have: that of the ISBI 2012 sections it imitates.
SYNTHETIC_VOXEL_SIZE_NM = (50.0, 4.0, 4.0)

_CUTS = (-0.4, 0.0, 0.4)  # where, in planes, a section is cut into thinner ones
_MEMBRANE_HALF_WIDTH = 2.5  # pixels; of the truth
_BORDER = 90  # pixels around the image in which cells are placed as well
_RADII = (9.0, 66.0)  # pixels, smallest and largest neurite

FloatImage = NDArray[np.float32]


class SyntheticVolume(NamedTuple):
    """What :func:`synthetic_em_volume` returns; all arrays are ``(z, y, x)``."""

    #: Grey values, uint8.
    image: NDArray[np.uint8]
    #: 0 = membrane, 255 = cell, uint8.
    truth: NDArray[np.uint8]
    #: Which neurite a pixel belongs to, 0 = membrane; the same number in every plane, uint16.
    neurites: NDArray[np.uint16]


def synthetic_em_stack(
    n_planes: int = 8, size: int = 512, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Make a stack that looks like serial-section TEM, and its truth.

    Parameters
    ----------
    n_planes : int
        Number of sections. Plane ``i`` is the same whatever their number.
    size : int
        Height and width in pixels.
    seed : int
        The same seed gives the same stack.

    Returns
    -------
    image : ndarray of uint8, shape (n_planes, size, size)
        Grey values; membranes are dark.
    truth : ndarray of uint8, shape (n_planes, size, size)
        0 = membrane, 255 = cell.
    """
    image, truth, _ = synthetic_em_volume(n_planes, size, seed)
    return image, truth


def synthetic_em_volume(n_planes: int = 8, size: int = 512, seed: int = 0) -> SyntheticVolume:
    """Make the stack of :func:`synthetic_em_stack` together with the identity of every neurite.

    Parameters
    ----------
    n_planes, size, seed : int
        As in :func:`synthetic_em_stack`.

    Returns
    -------
    SyntheticVolume
        Image, truth and neurites.
    """
    if n_planes < 1 or size < 1:
        raise ValueError(f"a stack needs at least one plane and one pixel, not {n_planes} planes of {size} pixels")
    tissue = _Tissue.grow(size, np.random.default_rng([seed, 0]))
    shape = (n_planes, size, size)
    volume = SyntheticVolume(np.empty(shape, np.uint8), np.empty(shape, np.uint8), np.empty(shape, np.uint16))
    for z in range(n_planes):
        rng = np.random.default_rng([seed, 1, z])
        ids, distance, membrane = _section(tissue, z)
        volume.image[z] = _picture(tissue, z, ids, distance, membrane, rng)
        is_membrane = distance <= _MEMBRANE_HALF_WIDTH
        volume.truth[z] = np.where(is_membrane, 0, 255)
        volume.neurites[z] = np.where(is_membrane, 0, ids + 1)
    return volume


@dataclass(frozen=True)
class _Tissue:
    """Neurites as discs of centre, radius and elongation, and how they change along z."""

    size: int
    centre: FloatImage  # (n, 2): y, x
    radius: FloatImage  # (n,)
    metric: FloatImage  # (n, 2, 2): pixels to the disc's own, unstretched, coordinates
    wobble: FloatImage  # (n, 5): amplitude, two phases, speed, phase of the radius
    bend: FloatImage  # (waves, 5): ky, kx, phase, change of the phase along z, amplitude
    brightness: FloatImage  # (n,)
    mitochondria: FloatImage  # (n, 6): offset y, x, semi-axes, angle, first plane (NaN: none)

    @classmethod
    def grow(cls, size: int, rng: np.random.Generator) -> _Tissue:
        """Place discs, large ones first, then small ones until little room is left between them."""
        side = size + 2 * _BORDER
        low, high = _RADII
        many = int(0.004 * side**2)
        radii = np.clip(rng.lognormal(np.log(21), 0.5, many), low, high)
        wanted = np.sort(radii[np.cumsum(radii**2) < 0.2 * side**2])[::-1]
        radii = np.concatenate([np.repeat(wanted, 4), rng.uniform(low, 1.8 * low, many)])  # several tries for each
        places = rng.uniform(-_BORDER, size + _BORDER, (len(radii), 2))
        centre, radius = np.empty((len(radii), 2)), np.empty(len(radii))
        n = 0
        for place, r in zip(places, radii, strict=True):
            gap = np.hypot(*(centre[:n] - place).T) - 0.93 * (radius[:n] + r)
            if n and gap.min() < 0:
                continue
            centre[n], radius[n] = place, r
            n += 1
        centre, radius = centre[:n], radius[:n]
        return cls(
            size=size,
            centre=centre.astype(np.float32),
            radius=radius.astype(np.float32),
            metric=_metrics(n, rng),
            wobble=np.column_stack(
                [
                    rng.uniform(0.15, 0.45, n) * radius,
                    rng.uniform(0, 2 * np.pi, (n, 2)),
                    rng.uniform(0.1, 0.3, n),
                    rng.uniform(0, 2 * np.pi, n),
                ]
            ).astype(np.float32),
            bend=_waves(rng),
            brightness=rng.normal(0, 7, n).astype(np.float32),
            mitochondria=_place_mitochondria(radius, rng),
        )

    def at(self, z: float) -> tuple[FloatImage, FloatImage]:
        """Centres and radii at the height ``z`` (in planes)."""
        amplitude, phase_y, phase_x, speed, phase_r = self.wobble.T
        moved = np.stack([np.sin(speed * z + phase_y), np.cos(speed * z + phase_x)], axis=1)
        drift = 6 * np.array([np.sin(0.21 * z), np.cos(0.17 * z) - 1])
        centre = self.centre + amplitude[:, None] * moved + drift
        return centre.astype(np.float32), self.radius * (1 + 0.15 * np.sin(0.25 * z + phase_r)).astype(np.float32)

    def coordinates(self, z: float) -> FloatImage:
        """Bent coordinates ``(2, size, size)`` of the pixels at the height ``z``."""
        grid = np.arange(self.size, dtype=np.float32)
        y, x = grid[:, None], grid[None, :]
        bent = np.stack(np.broadcast_arrays(y, x)).astype(np.float32)
        for i, (ky, kx, phase, change, amplitude) in enumerate(self.bend):
            along_y, along_x = ky * y + (phase + change * z), kx * x
            # sin(a + b) of two vectors: far cheaper than the sine of every pixel
            bent[i % 2] += amplitude * (np.sin(along_y) * np.cos(along_x) + np.cos(along_y) * np.sin(along_x))
        return bent


def _metrics(n: int, rng: np.random.Generator) -> FloatImage:
    """Stretch the discs to ellipses, mostly along a common direction, as fibres run in bundles."""
    stretch = 1 + rng.gamma(1.5, 0.3, n)
    angle = rng.normal(0.4, 0.7, n)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)
    squeeze = np.stack([np.sqrt(stretch), 1 / np.sqrt(stretch)], axis=1)
    return np.asarray(turn.transpose(0, 2, 1) @ (squeeze[:, :, None] * turn), dtype=np.float32)


def _waves(rng: np.random.Generator, n: int = 14) -> FloatImage:
    """Sine waves of 50 to 250 pixels that bend the coordinates."""
    wavelength = np.exp(rng.uniform(np.log(50), np.log(250), n))
    angle = rng.uniform(0, 2 * np.pi, n)
    k = 2 * np.pi / wavelength
    return np.column_stack(
        [k * np.sin(angle), k * np.cos(angle), rng.uniform(0, 2 * np.pi, n), rng.normal(0, 0.12, n), 0.028 * wavelength]
    ).astype(np.float32)


def _place_mitochondria(radius: NDArray[Any], rng: np.random.Generator) -> FloatImage:
    """One mitochondrion in most of the wide neurites, over a few planes each."""
    n = len(radius)
    table = np.column_stack(
        [
            rng.uniform(-0.4, 0.4, (n, 2)) * radius[:, None],
            np.clip(rng.uniform(0.45, 0.7, n) * radius, 11, 34),
            np.clip(rng.uniform(0.35, 0.55, n) * radius, 9, 26),
            rng.uniform(0, np.pi, n),
            rng.uniform(-6, 4, n),
        ]
    )
    table[(radius < 20) | (rng.uniform(size=n) > 0.75)] = np.nan
    return table.astype(np.float32)


def _cut(tissue: _Tissue, z: float) -> tuple[NDArray[np.intp], FloatImage]:
    """Owner of each pixel at the height ``z`` and the pixel's distance from the nearest border."""
    bent = tissue.coordinates(z)
    nearest = np.full(bent.shape[1:], np.inf, np.float32)
    ids = np.zeros(bent.shape[1:], np.intp)
    for i, (c, r) in enumerate(zip(*tissue.at(z), strict=True)):
        reach = 1.8 * r + 45
        y0, x0 = np.maximum(c - reach, 0).astype(int)
        y1, x1 = np.maximum(c + reach, 0).astype(int)
        window = np.s_[y0:y1, x0:x1]
        if nearest[window].size == 0:
            continue
        (myy, myx), (mxy, mxx) = tissue.metric[i]
        dy, dx = bent[0][window] - c[0], bent[1][window] - c[1]
        distance = np.sqrt((myy * dy + myx * dx) ** 2 + (mxy * dy + mxx * dx) ** 2) - r
        closer = distance < nearest[window]
        nearest[window][closer] = distance[closer]
        ids[window][closer] = i
    inside = np.ones(ids.shape, bool)
    for a, b in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differs = ids[a] != ids[b]
        inside[a] &= ~differs
        inside[b] &= ~differs
    if inside.all():
        return ids, np.full(ids.shape, sum(ids.shape), np.float32)
    return ids, (scipy.ndimage.distance_transform_edt(inside) + 0.5).astype(np.float32)


def _section(tissue: _Tissue, z: int) -> tuple[NDArray[np.intp], FloatImage, FloatImage]:
    """Owners, distance from the border, and how much membrane a section shows in [0, 1]."""
    cuts = [_cut(tissue, z + dz) for dz in _CUTS]
    membrane = np.mean([np.exp(-((distance / 2.8) ** 2)) for _, distance in cuts], axis=0, dtype=np.float32)
    ids, distance = cuts[len(_CUTS) // 2]
    return ids, distance, np.asarray(membrane)


def smooth_noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> FloatImage:
    """Correlated noise of mean 0 and deviation about 1."""
    step = max(1, int(sigma / 2))  # a coarse grid is enough for what is smooth, and much faster
    coarse = tuple(n // step + 4 for n in shape)
    noise = scipy.ndimage.gaussian_filter(rng.standard_normal(coarse, np.float32), sigma / step, mode="wrap")
    noise /= noise.std() + 1e-6
    if step > 1:
        noise = scipy.ndimage.zoom(noise, step, order=1)
    return np.asarray(noise[: shape[0], : shape[1]], dtype=np.float32)


def _picture(
    tissue: _Tissue, z: int, ids: NDArray[np.intp], distance: FloatImage, membrane: FloatImage, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Paint one section."""
    shape = ids.shape
    cytoplasm = 162 + tissue.brightness[ids] + 9 * smooth_noise(shape, 5, rng) + 16 * smooth_noise(shape, 1.6, rng)
    cytoplasm += _vesicles(distance, rng)
    _paint_mitochondria(cytoplasm, tissue, z, ids, distance)
    strength = np.clip(0.95 + 0.12 * smooth_noise(shape, 25, rng), 0.6, 1.15)
    picture = cytoplasm - 118 * strength * membrane
    patches = np.clip(smooth_noise(shape, 14, rng) - 1.7, 0, 1)
    picture -= 110 * patches * np.exp(-distance / 7)  # synaptic densities: dark smears along a membrane
    picture = scipy.ndimage.gaussian_filter(picture, 0.7)
    picture += 12 * smooth_noise(shape, 0.6, rng) + 7 * rng.standard_normal(shape, np.float32)
    picture += 8 * smooth_noise(shape, 90, rng)  # uneven light
    contrast, light = rng.normal(1, 0.07), rng.normal(0, 7)
    return np.asarray(np.clip((picture - 128) * contrast + 128 + light, 0, 255).round(), dtype=np.uint8)


def _vesicles(distance: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Small rings and dots inside the cells, in loose clusters."""
    shape = distance.shape
    inside = distance > 7
    ring_here = inside & (rng.uniform(size=shape) < 0.003 * np.clip(smooth_noise(shape, 30, rng) + 0.6, 0, 2))
    dot_here = inside & (rng.uniform(size=shape) < 0.003)
    rings, dots = ring_here.astype(np.float32), dot_here.astype(np.float32)
    ring = 900 * scipy.ndimage.gaussian_filter(rings, 1.2) - 3300 * scipy.ndimage.gaussian_filter(rings, 2.2)
    return np.asarray(ring - 400 * scipy.ndimage.gaussian_filter(dots, 1.1), dtype=np.float32)


def _paint_mitochondria(
    picture: FloatImage, tissue: _Tissue, z: int, ids: NDArray[np.intp], distance: FloatImage
) -> None:
    """Darken the mitochondria that this section cuts: a rim, and cristae across."""
    centres, _ = tissue.at(z)
    grid = np.arange(tissue.size, dtype=np.float32)
    for i, (dy, dx, long, short, angle, first) in enumerate(tissue.mitochondria):
        along_z = (z - first) / 10 * 2 - 1  # ten planes from end to end
        if not abs(along_z) < 1:
            continue
        swell = np.sqrt(1 - along_z**2)
        middle = centres[i] + (dy, dx)
        y0, x0 = np.maximum(middle - long - 2, 0).astype(int)
        y1, x1 = np.maximum(middle + long + 2, 0).astype(int)
        window = np.s_[y0:y1, x0:x1]
        y, x = grid[y0:y1, None] - middle[0], grid[None, x0:x1] - middle[1]
        u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        depth = (1 - np.hypot(u / (long * swell), v / (short * swell))) * short * swell
        depth = np.where(ids[window] == i, np.minimum(depth, distance[window] - 6), -1)
        cristae = np.sin(2 * np.pi * (u + 2.5 * np.sin(v / 5)) / 7)
        body = np.clip(depth, 0, 1)
        picture[window] -= body * (52 + 16 * cristae + 34 * np.exp(-(((depth - 1.5) / 1.5) ** 2)))
