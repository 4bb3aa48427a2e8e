"""Classical image-processing operators, as tasks that a network can learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from skimage.exposure import equalize_hist
from skimage.feature import canny
from skimage.filters import threshold_otsu
from skimage.morphology import dilation, disk, erosion

__all__ = ["BINARY_OPERATORS", "OPERATORS", "Operator", "apply_operator"]

Operator = Literal["histogram-equalisation", "erosion", "dilation", "otsu", "canny"]

#: Names of the operators, in the order that the cascade has them in.
OPERATORS: tuple[Operator, ...] = get_args(Operator)
#: Those whose result is 0 or 1; the others give a grey value.
BINARY_OPERATORS: tuple[Operator, ...] = ("canny", "otsu")

_Image = npt.NDArray[np.float32]
#: Radius of the disc that erosion and dilation look at, in pixels.
_RADIUS = 2
#: Width in pixels of the Gaussian that Canny's operator smooths with.
_SIGMA = 1.5


def _otsu(image: _Image) -> npt.NDArray[np.bool_]:
    if image.min() == image.max():
        return np.ones(image.shape, bool)
    above: npt.NDArray[np.bool_] = image > threshold_otsu(image)  # type: ignore[no-untyped-call]
    return above


_FUNCTIONS: dict[Operator, Callable[[_Image], npt.NDArray[np.generic]]] = {
    "histogram-equalisation": equalize_hist,
    "dilation": lambda image: dilation(image, disk(_RADIUS)),  # type: ignore[no-untyped-call]
    "erosion": lambda image: erosion(image, disk(_RADIUS)),  # type: ignore[no-untyped-call]
    "canny": lambda image: canny(image, sigma=_SIGMA),  # type: ignore[no-untyped-call]
    "otsu": _otsu,
}


def apply_operator(name: Operator, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Apply one of the five operators of the modular U-Nets, as scikit-image computes it.

    Parameters
    ----------
    name : {"histogram-equalisation", "erosion", "dilation", "otsu", "canny"}
        ``dilation`` and ``erosion`` are the grey ones, with a disc of 2 pixels; ``canny`` smooths with a
        sigma of 1.5 pixels; ``otsu`` is 1 where the image is brighter than its threshold.
    image : ndarray, shape (y, x)
        Grey values, 0 (black) to 1 (white).

    Returns
    -------
    ndarray of float32, shape (y, x)
        0 to 1.

    References
    ----------
    .. [1] S. Kang, B. K. Iwana, S. Uchida: "Cascading Modular U-Nets for Document Image Binarization", ICDAR 2019,
       section III.A.
    """
    return np.asarray(_FUNCTIONS[name](image), np.float32)
