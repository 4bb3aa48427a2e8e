"""Random changes of pages and photographs, whose values are 0 (black) to 1 (white)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from napari_unets.images import LUMINANCE
from napari_unets.learning.augment import AugmentSettings, gaussian_blur, normal, slow_field, uniform

__all__ = ["PageAugmentSettings", "ValueSettings", "degrade_pages", "vary_values"]

#: How strongly brown stains take away red, green and blue.
_BROWN = (0.55, 0.8, 1.0)
#: Share of the patches that are blurred.
_BLURRED = 0.25


class ValueSettings(BaseModel):
    """How much light, colour and sharpness change; every value 0 switches its change off."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contrast: float = Field(0.2, ge=0, le=1, description="Standard deviation of the logarithm of the gain.")
    brightness: float = Field(0.06, ge=0, le=1, description="Standard deviation of the offset.")
    gamma: float = Field(0.3, ge=0, le=1, description="Standard deviation of the logarithm of gamma.")
    colour: float = Field(0.1, ge=0, le=1, description="Standard deviation of the logarithm of each channel's gain.")
    grey: float = Field(0.2, ge=0, le=1, description="Share of colour patches that become grey.")
    noise: float = Field(0.05, ge=0, le=1, description="Largest standard deviation of added white noise.")
    blur_px: float = Field(1.0, ge=0, le=5, description="Largest sigma of a blur (given to one patch in four).")


class PageAugmentSettings(ValueSettings):
    """How much patches of pages are changed.

    Pages are not mirrored and hardly turned: which way handwriting leans tells the front's ink from what shines
    through from the back, where it leans the other way.
    """

    rotate_degrees: float = Field(6.0, ge=0, le=180, description="Largest rotation either way.")
    log_scale: float = Field(0.35, ge=0, le=1, description="Standard deviation of the zoom's natural logarithm.")
    max_zoom: float = Field(2.0, ge=1, le=4, description="The zoom stays between 1/max_zoom and max_zoom.")
    elastic_px: float = Field(3.0, ge=0, le=40, description="Standard deviation of the coarse grid's displacements.")
    bleed_through: float = Field(0.4, ge=0, le=1, description="Share of patches with another page's ink behind.")
    fading: float = Field(0.25, ge=0, le=1, description="Share of patches whose ink has faded in places.")
    stains: float = Field(0.3, ge=0, le=1, description="Share of patches with stains.")
    borders: float = Field(0.05, ge=0, le=1, description="Share of patches that reach over the page's dark edge.")
    light: float = Field(0.15, ge=0, le=1, description="Standard deviation of a slow change of light (logarithm).")
    texture: float = Field(0.04, ge=0, le=1, description="Largest deviation of the paper's grain.")

    @property
    def geometry(self) -> AugmentSettings:
        """What :func:`~napari_unets.learning.augment.random_offsets` takes."""
        return AugmentSettings(
            flip=False,
            rotate_degrees=self.rotate_degrees,
            log_scale=self.log_scale,
            max_zoom=self.max_zoom,
            elastic_px=self.elastic_px,
        )


def degrade_pages(
    x: Tensor,
    ids: Tensor,
    back: Tensor,
    back_ids: Tensor,
    settings: PageAugmentSettings,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Age patches of pages: faded ink, bleed-through, grain, stains, dark edges, uneven light.

    Parameters
    ----------
    x, ids : Tensor
        Patches ``(n, channels, height, width)`` in 0 … 1, and their class ids ``(n, height, width)``; 1 = ink.
    back, back_ids : Tensor
        As many patches of other pages, whose ink shines through mirrored.
    settings : PageAugmentSettings
        What may change and how much.
    generator : torch.Generator
        The only source of chance.

    Returns
    -------
    tuple of Tensor
        New patches, and their class ids: beyond a page's edge all is paper (2).
    """
    n = x.shape[0]
    hit = _hit(settings.fading, n, generator)
    x = x.index_copy(0, hit, _fade(x[hit], ids[hit], generator))
    hit = _hit(settings.bleed_through, n, generator)
    x = x.index_copy(0, hit, _bleed(x[hit], back[hit].flip(-1), back_ids[hit].flip(-1), generator))
    if settings.texture:
        x = x * (1 + settings.texture * uniform(n, generator).reshape(-1, 1, 1, 1) * _grain(x, generator))
    hit = _hit(settings.stains, n, generator)
    x = x.index_copy(0, hit, _stain(x[hit], generator))
    if settings.light:
        x = x * (settings.light * slow_field(n, (x.shape[2], x.shape[3]), generator)).exp()
    outside = _outside(x, generator) & (uniform(n, generator) < settings.borders).reshape(-1, 1, 1)
    dark = 0.02 + 0.4 * uniform(n, generator).reshape(-1, 1, 1, 1)
    x = torch.where(outside.unsqueeze(1), x * dark, x)
    return x, torch.where(outside & (ids > 0), 2, ids)


def vary_values(x: Tensor, settings: ValueSettings, generator: torch.Generator) -> Tensor:
    """Change gamma, contrast, brightness, colour, sharpness and noise of images in 0 … 1.

    Parameters
    ----------
    x : Tensor
        ``(n, channels, height, width)``.
    settings : ValueSettings
        What may change and how much.
    generator : torch.Generator
        The only source of chance.

    Returns
    -------
    Tensor
        New images of the same shape, in 0 … 1.
    """
    n, channels = x.shape[:2]
    shape = (n, 1, 1, 1)
    x = x.clamp(0, 1).pow(normal(n, settings.gamma, generator).exp().reshape(shape))
    middle = x.mean((1, 2, 3), keepdim=True)
    x = (x - middle) * normal(n, settings.contrast, generator).exp().reshape(shape) + middle
    x = x + normal(n, settings.brightness, generator).reshape(shape)
    if channels == 3:
        x = x * normal(n, settings.colour, generator, 3).exp().reshape(n, 3, 1, 1)
        weights = torch.tensor(LUMINANCE).reshape(1, 3, 1, 1)
        hit = _hit(settings.grey, n, generator)
        x = x.index_copy(0, hit, (x[hit] * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1))
    hit = _hit(_BLURRED, n, generator)
    if settings.blur_px and len(hit):
        x = x.index_copy(0, hit, gaussian_blur(x[hit], uniform(len(hit), generator) * settings.blur_px))
    if settings.noise:
        sigma = uniform(n, generator).reshape(shape) * settings.noise
        x = x + sigma * torch.randn(x.shape, generator=generator)
    return x.clamp(0, 1)


def _hit(share: float, n: int, generator: torch.Generator) -> Tensor:
    """Numbers of the patches that a change happens to."""
    return torch.nonzero(uniform(n, generator) < share).squeeze(1)


def _between(low: float, high: float, n: int, generator: torch.Generator) -> Tensor:
    return (low + (high - low) * uniform(n, generator)).reshape(-1, 1, 1, 1)


def _blob(x: Tensor, generator: torch.Generator, nodes: int, share: float, sharpness: Tensor) -> Tensor:
    """Places (0 … 1) that cover about ``share`` of the patches; sharp or soft at their borders."""
    field = slow_field(x.shape[0], (x.shape[2], x.shape[3]), generator, nodes)
    return torch.sigmoid((field - math.sqrt(2) * torch.erfinv(torch.tensor(1 - 2 * share))) * sharpness)


def _ink(ids: Tensor) -> Tensor:
    return (ids == 1).unsqueeze(1).float()


def _fade(x: Tensor, ids: Tensor, generator: torch.Generator) -> Tensor:
    """Ink nearer to its paper, more in some places than in others."""
    n = x.shape[0]
    if not n:
        return x
    coarse = F.max_pool2d(F.avg_pool2d(x, 4), 5, 1, 2)  # the paper around strokes, without their detail
    paper = F.interpolate(coarse, (x.shape[2], x.shape[3]), mode="bilinear")
    soft = F.avg_pool2d(F.max_pool2d(_ink(ids), 3, 1, 1), 3, 1, 1)
    amount = _between(0.1, 0.65, n, generator) * _blob(x, generator, 4, 0.6, _between(1, 6, n, generator))
    return x + amount * soft * (paper - x).clamp_min(0)


def _bleed(x: Tensor, back: Tensor, back_ids: Tensor, generator: torch.Generator) -> Tensor:
    """Darken by the ink of the other side, soft and uneven, in a colour of its own."""
    n, channels = x.shape[:2]
    if not n:
        return x
    near = F.max_pool2d(_ink(back_ids), 3, 1, 1)
    density = gaussian_blur(near * (0.4 + 0.6 * (1 - back)), _between(0.4, 2.5, n, generator).flatten())
    strength = _between(0.1, 0.85, n, generator) * (
        0.3 + 0.7 * _blob(x, generator, 3, 0.6, _between(0.5, 4, n, generator))
    )
    tint = 1 - 0.35 * uniform(n, generator, channels).reshape(n, channels, 1, 1)
    return x * (1 - (strength * density * tint).clamp(0, 1))


def _stain(x: Tensor, generator: torch.Generator) -> Tensor:
    """Brown places, washed out or with a hard edge."""
    n, channels = x.shape[:2]
    if not n:
        return x
    nodes = int(torch.randint(3, 10, (1,), generator=generator))
    place = _blob(x, generator, nodes, 0.3, _between(1, 25, n, generator))
    colour = torch.tensor(_BROWN).reshape(1, 3, 1, 1) if channels == 3 else torch.tensor(0.75)
    return x * (1 - _between(0.05, 0.65, n, generator) * place * colour)


def _grain(x: Tensor, generator: torch.Generator) -> Tensor:
    """Noise of two sizes, as paper has it."""
    n, size = x.shape[0], (x.shape[2], x.shape[3])
    fine = torch.randn(n, 1, max(size[0] // 3, 1), max(size[1] // 3, 1), generator=generator)
    coarse = torch.randn(n, 1, max(size[0] // 12, 1), max(size[1] // 12, 1), generator=generator)
    return sum(F.interpolate(noise, size, mode="bilinear") for noise in (fine, coarse))  # type: ignore[return-value]


def _outside(x: Tensor, generator: torch.Generator) -> Tensor:
    """Where a patch lies beyond a page's edge, which is upright or level but for a few degrees."""
    n, _, height, width = x.shape
    quarter = torch.randint(4, (n,), generator=generator) * (math.pi / 2)
    angle = (quarter + normal(n, 0.03, generator)).reshape(-1, 1, 1)
    y_line, x_line = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None, :]
    return angle.cos() * y_line + angle.sin() * x_line > 0.4 + 0.6 * uniform(n, generator).reshape(-1, 1, 1)
