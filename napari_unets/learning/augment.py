"""Random changes of training patches: one warp for all geometry, then changes of the grey values."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

__all__ = [
    "AugmentSettings",
    "augment_values",
    "gaussian_blur",
    "mirrored",
    "normal",
    "random_offsets",
    "slow_field",
    "uniform",
]


#: Of fading: side of the square that the local mean is taken of, and about the size of a spot, in pixels.
_NEAR, _SPOT = 15, 24


class AugmentSettings(BaseModel):
    """How much training patches are changed; every value 0 (or False) switches its change off.

    Grey values are in units of the stack's standard deviation (of the image's, where normalising does not make it 1).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flip: bool = Field(True, description="Mirror at random.")
    rotate_degrees: float = Field(180.0, ge=0, le=180, description="Largest rotation either way.")
    log_scale: float = Field(0.2, ge=0, le=1, description="Standard deviation of the zoom's natural logarithm.")
    max_zoom: float = Field(1.8, ge=1, le=4, description="The zoom stays between 1/max_zoom and max_zoom.")
    elastic_px: float = Field(8.0, ge=0, le=40, description="Standard deviation of the coarse grid's displacements.")
    elastic_nodes: int = Field(5, ge=2, le=16, description="Nodes of the coarse grid along a patch's side.")
    contrast: float = Field(0.25, ge=0, le=1, description="Standard deviation of the logarithm of the gain.")
    brightness: float = Field(0.3, ge=0, le=2, description="Standard deviation of the offset.")
    gamma: float = Field(0.3, ge=0, le=1, description="Standard deviation of the logarithm of gamma.")
    light: float = Field(0.3, ge=0, le=2, description="Standard deviation of a slow light gradient over the patch.")
    noise: float = Field(0.3, ge=0, le=2, description="Largest standard deviation of added white noise.")
    blur_px: float = Field(1.5, ge=0, le=5, description="Largest sigma of a blur (given to one patch in three).")
    defects: float = Field(0.15, ge=0, le=1, description="Share of patches with a step, a stain or a lost strip.")
    fading: float = Field(0.0, ge=0, le=1, description="Share of patches whose details are faint in places.")

    @classmethod
    def none(cls) -> AugmentSettings:
        """Return settings that leave patches as they are."""
        limits = {name: cls.model_fields[name].default for name in ("max_zoom", "elastic_nodes")}  # they change nothing
        return cls.model_validate(dict.fromkeys(cls.model_fields, 0) | limits)


def normal(n: int, sigma: float, generator: torch.Generator, *shape: int) -> Tensor:
    """Draw ``(n, *shape)`` values of mean 0 and deviation ``sigma``."""
    return torch.randn(n, *shape, generator=generator) * sigma


def uniform(n: int, generator: torch.Generator, *shape: int) -> Tensor:
    """Draw ``(n, *shape)`` values between 0 and 1."""
    return torch.rand(n, *shape, generator=generator)


def random_offsets(n: int, size: int, settings: AugmentSettings, generator: torch.Generator) -> Tensor:
    """Where each pixel of a warped patch looks, relative to the patch's centre.

    Flip, rotation, zoom and elastic deformation (random vectors on a coarse grid, interpolated bicubically,
    as section 3.1 of Ronneberger et al., U-Net, 2015, has it) are one map, so the image is interpolated once.

    Parameters
    ----------
    n : int
        Number of patches.
    size : int
        Side of a patch in pixels.
    settings : AugmentSettings
        What may change and how much.
    generator : torch.Generator
        The only source of chance.

    Returns
    -------
    Tensor
        ``(n, size, size, 2)``: offset along y and x in source pixels.
    """
    angle = (uniform(n, generator) * 2 - 1) * math.radians(settings.rotate_degrees)
    limit = math.log(settings.max_zoom)
    zoom = normal(n, settings.log_scale, generator).clamp(-limit, limit).exp()
    mirror = torch.where(uniform(n, generator) < 0.5, -1.0, 1.0) if settings.flip else torch.ones(n)
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    # rows: source y and x; columns: patch y and x
    matrix = torch.stack([torch.stack([cos, sin * mirror], -1), torch.stack([-sin, cos * mirror], -1)], 1)
    line = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    patch = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1)
    offsets = torch.einsum("nij,yxj->nyxi", matrix, patch)
    if settings.elastic_px:
        nodes = normal(n, settings.elastic_px, generator, 2, settings.elastic_nodes, settings.elastic_nodes)
        field = F.interpolate(nodes, (size, size), mode="bicubic", align_corners=True)
        offsets = offsets + field.permute(0, 2, 3, 1)
    return offsets


def mirrored(coordinate: Tensor, length: Tensor) -> Tensor:
    """Fold coordinates back into ``[0, length - 1]``, mirroring at the border as often as needed."""
    period = (2 * (length - 1)).clamp_min(1)
    folded = torch.remainder(coordinate, period)
    return torch.minimum(folded, period - folded).clamp_min(0)


def slow_field(n: int, size: tuple[int, int], generator: torch.Generator, nodes: int = 3) -> Tensor:
    """Draw ``(n, 1, height, width)``: unit deviates on a coarse grid, interpolated bicubically."""
    return F.interpolate(normal(n, 1.0, generator, 1, nodes, nodes), size, mode="bicubic", align_corners=True)


def _gamma(x: Tensor, gamma: Tensor) -> Tensor:
    low = x.amin((1, 2, 3), keepdim=True)
    span = (x.amax((1, 2, 3), keepdim=True) - low).clamp_min(1e-6)
    return ((x - low) / span).pow(gamma) * span + low


def gaussian_blur(x: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with one sigma a patch: separable convolution, patches as groups."""
    n, channels, _, _ = x.shape
    radius = max(1, math.ceil(2.5 * float(sigma.max())))
    line = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (line / sigma.clamp_min(1e-3)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    y = F.pad(x, (radius,) * 4, mode="reflect").reshape(1, n * channels, x.shape[2] + 2 * radius, -1)
    y = F.conv2d(y, kernel[:, None, :, None], groups=n * channels)
    y = F.conv2d(y, kernel[:, None, None, :], groups=n * channels)
    return y.reshape(x.shape)


def _defect(x: Tensor, generator: torch.Generator) -> Tensor:
    """Give each patch one defect of serial sections: a contrast step, a dark stain, or a lost strip."""
    n, _, height, width = x.shape
    y_line = torch.linspace(-1, 1, height)[:, None]
    x_line = torch.linspace(-1, 1, width)[None, :]
    angle = uniform(n, generator) * 2 * math.pi
    distance = (
        angle.cos()[:, None, None] * y_line + angle.sin()[:, None, None] * x_line - (uniform(n, generator, 1, 1) - 0.5)
    )[:, None]
    step = torch.where(distance > 0, x * (0.5 + uniform(n, generator, 1, 1, 1)), x) + (distance > 0) * normal(
        n, 0.5, generator, 1, 1, 1
    )
    stain = x - 2 * torch.expm1(4 * (slow_field(n, (height, width), generator, 6) - 1.2).relu()).clamp_max(1)
    half_width = 0.02 + 0.08 * uniform(n, generator, 1, 1, 1)
    strip = torch.where(distance.abs() < half_width, normal(n, 1.0, generator, 1, 1, 1), x)
    kind = torch.randint(3, (n, 1, 1, 1), generator=generator)
    return torch.where(kind == 0, step, torch.where(kind == 1, stain, strip))


def _fade(x: Tensor, generator: torch.Generator) -> Tensor:
    """Draw patches towards their local mean, in soft spots and by any amount: what is thin grows faint there."""
    n, _, height, width = x.shape
    spots = torch.sigmoid(4 * (slow_field(n, (height, width), generator, max(3, height // _SPOT)) - 0.3))
    near = _NEAR // 2
    mean = F.avg_pool2d(F.pad(x, (near,) * 4, mode="replicate"), _NEAR, 1)
    return x + uniform(n, generator, 1, 1, 1) * spots * (mean - x)


def augment_values(x: Tensor, settings: AugmentSettings, generator: torch.Generator) -> Tensor:
    """Change contrast, brightness, gamma, light, sharpness and noise of normalised patches; fade, and add defects.

    Parameters
    ----------
    x : Tensor
        ``(n, channels, height, width)``, float32, normalised.
    settings : AugmentSettings
        What may change and how much.
    generator : torch.Generator
        The only source of chance.

    Returns
    -------
    Tensor
        New patches of the same shape.
    """
    n = x.shape[0]
    shape = (n, 1, 1, 1)
    if settings.fading:
        hit = uniform(n, generator) < settings.fading
        x = torch.where(hit.reshape(shape), _fade(x, generator), x)
    if settings.gamma:
        x = _gamma(x, normal(n, settings.gamma, generator).exp().reshape(shape))
    gain = normal(n, settings.contrast, generator).exp().reshape(shape)
    x = x * gain + normal(n, settings.brightness, generator).reshape(shape)
    if settings.light:
        x = x + settings.light * slow_field(n, (x.shape[2], x.shape[3]), generator)
    if settings.defects:
        hit = uniform(n, generator) < settings.defects
        x = torch.where(hit.reshape(shape), _defect(x, generator), x)
    if settings.blur_px:
        sigma = uniform(n, generator) * settings.blur_px
        hit = uniform(n, generator) < 1 / 3
        x = torch.where(hit.reshape(shape), gaussian_blur(x, sigma), x)
    if settings.noise:
        sigma = uniform(n, generator).reshape(shape) * settings.noise
        x = x + sigma * torch.randn(x.shape, generator=generator)
    return x
