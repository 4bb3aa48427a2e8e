"""A made-up page of an old book whose ink is known exactly: the sample of documents that ships with the package.

Lines of invented words are set in the font that comes with Pillow, at several times the final size, so that the truth
is exact to the pixel: ink is where half of a pixel or more is covered. On top of that come what makes old pages hard:
ink that has faded in places, the other side shining through, stains with dark rims, uneven light, the paper's grain.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_unets.images.synthetic import FloatImage, smooth_noise

__all__ = ["SYNTHETIC_PAGE_DPI", "SyntheticPage", "synthetic_page"]

#: Resolution that the page pretends to have.
SYNTHETIC_PAGE_DPI = 200.0

_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

_FINER = 4  # how many times finer the letters are drawn than shown
_PAPER = np.array([226.0, 207.0, 168.0], np.float32)
_INK = np.array([52.0, 38.0, 30.0], np.float32)
_STAIN = np.array([0.82, 0.72, 0.55], np.float32)  # what a stain leaves of red, green, blue
_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "han",
    "jel",
    "kir",
    "lom",
    "mun",
    "ne",
    "ost",
    "pra",
    "que",
    "ris",
    "sta",
    "tev",
    "um",
    "vor",
    "wil",
    "xa",
    "yn",
    "zu",
    "th",
    "sch",
    "ell",
    "ing",
]


class SyntheticPage(NamedTuple):
    """What :func:`synthetic_page` returns."""

    #: Colour of uint8, ``(y, x, 3)``.
    image: NDArray[np.uint8]
    #: 0 = ink, 255 = paper, uint8 ``(y, x)``.
    truth: NDArray[np.uint8]


def synthetic_page(height: int = 1000, width: int = 760, seed: int = 0) -> SyntheticPage:
    """Make a degraded page, and its truth.

    Parameters
    ----------
    height, width : int
        In pixels; at least 64.
    seed : int
        The same seed gives the same page.

    Returns
    -------
    SyntheticPage
        Image and truth.
    """
    if min(height, width) < 64:
        raise ValueError(f"a page of {height}×{width} pixels has no room for a line; 64×64 is the smallest")
    shape = height, width
    rng = np.random.default_rng(seed)
    front, back = _written(shape, rng), _written(shape, rng)[:, ::-1]
    strength = np.clip(0.8 + 0.22 * smooth_noise(shape, 45, rng) + 0.1 * smooth_noise(shape, 4, rng), 0.28, 1)
    shining = np.clip(0.25 + 0.22 * smooth_noise(shape, 80, rng), 0, 0.55)
    light = _light(shape, rng)
    paper = _PAPER * (light + 0.018 * smooth_noise(shape, 1.0, rng) + 0.02 * smooth_noise(shape, 12, rng))[..., None]
    paper *= 1 - _stains(shape, rng)[..., None] * (1 - _STAIN)
    ink = scipy.ndimage.gaussian_filter(front, 0.6) * strength
    ghost = scipy.ndimage.gaussian_filter(back, 1.8) * shining
    covered = (1 - (1 - ink) * (1 - ghost))[..., None]
    picture = paper * (1 - covered) + _INK * light[..., None] * covered
    picture += 4 * smooth_noise(shape, 0.6, rng)[..., None] + 2.5 * rng.standard_normal((*shape, 3), np.float32)
    image = np.clip(picture, 0, 255).round().astype(np.uint8)
    return SyntheticPage(image, np.where(front >= 0.5, np.uint8(0), np.uint8(255)))


def _written(shape: tuple[int, int], rng: np.random.Generator) -> FloatImage:
    """How much of each pixel letters cover: a heading and lines of text, not quite straight."""
    height, width = shape
    sheet = Image.new("L", (width * _FINER, height * _FINER), 0)
    draw = ImageDraw.Draw(sheet)
    margin = max(8, width // 14)
    top = margin
    for number in range(height):
        size = 34 if number == 0 else 20
        if top + 1.5 * size > height - margin:
            break
        font = ImageFont.load_default(size * _FINER)
        room = (width - 2 * margin) * _FINER
        words = _words(draw, font, room * (0.6 if number == 0 else 1 if rng.uniform() < 0.85 else 0.45), rng)
        indent = rng.uniform(0, 0.2) * room if number == 0 else 0
        draw.text((margin * _FINER + indent, top * _FINER), words, fill=255, font=font)
        top += round(1.55 * size)
    drawn = np.asarray(sheet, np.float32).reshape(height, _FINER, width, _FINER).mean((1, 3)) / 255
    return _bent(drawn, rng)


def _words(draw: ImageDraw.ImageDraw, font: _Font, room: float, rng: np.random.Generator) -> str:
    """Invented words, as many as fit."""
    line = ""
    while True:
        word = "".join(rng.choice(_SYLLABLES, rng.integers(1, 5)))
        longer = f"{line} {word.capitalize() if rng.uniform() < 0.15 else word}".strip()
        if draw.textlength(longer, font=font) > room:
            return line
        line = longer


def _bent(drawn: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Lines that wave a little, as of a page that does not lie flat."""
    height, width = drawn.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    phase, turn = rng.uniform(0, 2 * np.pi), rng.uniform(-0.004, 0.004)
    wave = 2.5 * np.sin(x / width * 5 + phase) + turn * (x - width / 2)
    return np.asarray(scipy.ndimage.map_coordinates(drawn, [y + wave, x], order=1, mode="constant"), np.float32)


def _light(shape: tuple[int, int], rng: np.random.Generator) -> FloatImage:
    """Brighter on one side, darker towards the fold and the corners."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = 0.13 * (np.cos(angle) * x + np.sin(angle) * y)
    fold = 0.3 * np.exp(-(1 + x) / 0.12)
    return np.asarray(1 + slope - fold - 0.08 * (x * x + y * y), np.float32)


def _stains(shape: tuple[int, int], rng: np.random.Generator) -> FloatImage:
    """Spots of water, faint inside and dark at the rim."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    total = np.zeros(shape, np.float32)
    uneven = 0.16 * smooth_noise(shape, 25, rng)
    for _ in range(5):
        radius = rng.uniform(0.06, 0.2) * max(shape)
        away = np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1])) / radius + uneven
        inside, rim = 0.3 * (1 - np.tanh((away - 1) * 12.5)), np.exp(-(((away - 1) / 0.035) ** 2))
        total += rng.uniform(0.25, 0.7) * (inside + rim)
    specks = np.clip(smooth_noise(shape, 1.5, rng) - 3.2, 0, 1)  # foxing
    return np.asarray(np.clip(total + 0.8 * specks, 0, 1), np.float32)
