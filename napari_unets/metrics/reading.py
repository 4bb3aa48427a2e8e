"""What the numbers of a prediction and of a truth mean: the rules, and the words that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled
from napari_unets.metrics.errors import TruthError

__all__ = ["Form", "Kind", "Reading", "TruthForm", "read_prediction", "read_truth"]

Form = Literal["probabilities", "mask", "classes", "instances"]
TruthForm = Literal["mask", "classes", "instances"]
Kind = Literal["em", "document", "instances"]

_MOST_CLASSES = 16
_MOST_PLANES = 32
#: Different values beside 0 that a mask, classes and objects can all have.
_TOO_FEW = 2


@dataclass(frozen=True)
class Reading:
    """How an array is read.

    Attributes
    ----------
    form : {"probabilities", "mask", "classes", "instances"}
        What its numbers are.
    values : tuple of int
        The values other than 0 that were seen; cut off after 17.
    scale : float
        What the values are divided by: 255 for probabilities kept in 8 bits, otherwise 1.
    level : int
        A mask is set where the values exceed it: 0, or half of the range for a grey page.
    words : str
        The reading in words, to be shown beside the scores.
    """

    form: Form
    values: tuple[int, ...] = ()
    scale: float = 1.0
    level: int = 0
    words: str = ""


def _order(array: Any) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Give the indices of up to 32 evenly spread planes of a stack, and those of the planes between them."""
    indices = list(np.ndindex(tuple(array.shape[:-2])))
    chosen = set(np.linspace(0, len(indices) - 1, min(len(indices), _MOST_PLANES)).round().astype(int).tolist())
    return [indices[i] for i in sorted(chosen)], [index for i, index in enumerate(indices) if i not in chosen]


def _finite(plane: NDArray[Any]) -> NDArray[Any]:
    return plane[np.isfinite(plane)] if plane.dtype.kind == "f" else plane


def _has_fractions(array: Any) -> bool:
    planes = (_finite(np.asarray(array[index])) for index in _order(array)[0])
    return any(np.any(plane != np.round(plane)) for plane in planes)


def _holds_labels(array: Any, form: Form | None) -> bool:
    """Whether floats are labels: whole numbers that no probability can be, unless it is said that they are labels."""
    if _has_fractions(array):
        return False
    planes = (_finite(np.asarray(array[index])) for index in _order(array)[0])
    return form is not None or any(np.any(plane > 1) for plane in planes)


@compiled
def _tick_off(found: NDArray[np.bool_], values: NDArray[Any], low: int) -> None:
    for i in range(values.size):
        found[np.int64(values[i]) - low] = True


def _values(plane: NDArray[Any]) -> set[int]:
    """All values of a plane, which are whole numbers, or not numbers at all."""
    plane = _finite(plane).reshape(-1)
    if not plane.size:
        return set()
    low, high = int(plane.min()), int(plane.max())
    if high - low > max(plane.size, 65535) or high > np.iinfo(np.int64).max:
        return {int(value) for value in np.unique(plane)}
    # Ticking off is a hundred times as fast as the sorting in np.unique.
    if plane.dtype.kind == "f" or not plane.dtype.isnative:
        plane = plane.astype(np.int64)
    found = np.zeros(high - low + 1, dtype=np.bool_)
    _tick_off(found, plane, low)
    return {low + int(value) for value in np.flatnonzero(found)}


def _seen(array: Any, left_out: tuple[int, ...] = ()) -> tuple[bool, tuple[int, ...]]:
    """Whether a 0 was seen, and the other values, of which 17 at most (the largest is always among them).

    Where planes of the sample are blank and the others have too few values to tell a mask, classes and objects apart,
    as sparse annotations have, the planes between them are looked at as well.
    """
    zero, blank = False, False
    others: set[int] = set()
    sample, between = _order(array)
    for number, index in enumerate([*sample, *between]):
        if number >= len(sample) and not (blank and len(others) <= _TOO_FEW):
            break
        values = _values(np.asarray(array[index])) - set(left_out)
        zero = zero or 0 in values
        blank = blank or not values - {0}
        others |= values - {0}
        if len(others) > _MOST_CLASSES and (np.dtype(array.dtype).itemsize > 1):
            break
    ordered = sorted(others)
    return zero, tuple(ordered if len(ordered) <= _MOST_CLASSES else [*ordered[:_MOST_CLASSES], ordered[-1]])


def _list(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values)) if len(values) <= _MOST_CLASSES else f"{values[0]} to {values[-1]}"


def _mask(values: tuple[int, ...]) -> Reading:
    set_value = str(values[0]) if values else "any other value"
    return Reading("mask", values, words=f"a mask: 0 and {set_value}")


def _classes(values: tuple[int, ...]) -> Reading:
    classes = tuple(value for value in values if value > 0)
    none = ", negative ones = no class" if len(classes) < len(values) else ""
    return Reading("classes", classes, words=f"class ids {_list(classes)}{none}")


def _instances(values: tuple[int, ...]) -> Reading:
    return Reading("instances", values, words="ids of objects, 0 = none")


def read_truth(
    truth: Any, *, kind: Kind | None = None, form: TruthForm | None = None, ignore: tuple[int, ...] = ()
) -> Reading:
    """Find out what the values of a truth are.

    0 and one other value: a mask. 1 and 2 with or without 0, and small values in 8 bits: class ids, where 0 is not
    annotated. Nothing but 0: nothing annotated, but for documents and objects, where it is a mask. Anything else: ids
    of objects; for ``kind="document"`` a grey page, cut at half of its range.

    Parameters
    ----------
    truth : array
        Bools, integers, or floats with whole numbers (NaN is left out). Lazy arrays are read plane by plane: up to 32
        planes of them, and more where these hold next to nothing.
    kind : {"em", "document", "instances"}, optional
        What the images show.
    form : {"mask", "classes", "instances"}, optional
        Settles it.
    ignore : tuple of int
        Values that are left out.

    Raises
    ------
    TruthError
        The truth has fractions or negative values.
    """
    dtype = np.dtype(truth.dtype)
    if dtype.kind not in "buif":
        raise TruthError(f"The ground truth holds values of type {dtype}; it has to be a label image.")
    if dtype.kind == "f" and _has_fractions(truth):
        raise TruthError(
            "The ground truth has fractions, as probabilities have. Choose a label image, or cut it at a threshold."
        )
    zero, values = _seen(truth, ignore)
    if values and values[0] < 0:
        raise TruthError(
            f"The ground truth has negative values ({values[0]}). If they mark pixels to leave out, "
            f"say so: ignore={values[0]}."
        )
    if form is not None:
        return {"mask": _mask, "classes": _classes, "instances": _instances}[form](values)
    if not values and dtype.kind != "b" and kind in (None, "em"):
        return Reading("classes", words="nothing but 0")
    if dtype.kind == "b" or not values or (len(values) == 1 and (zero or values[0] > 2)):
        return _mask(values)
    if kind == "instances":
        return _instances(values)
    small = values[-1] <= (_MOST_CLASSES if dtype.itemsize == 1 else 2)
    if small:
        return _classes(values)
    if kind == "document" and dtype.kind in "iu":
        level = (255 if values[-1] <= 255 else 65535) // 2
        return Reading("mask", values, level=level, words=f"a grey page, dark up to {level}")
    return _instances(values)


def read_prediction(prediction: Any, truth: Reading, *, kind: Kind | None = None, form: Form | None = None) -> Reading:
    """Find out what the values of a prediction are.

    Floats: probabilities, unless they are whole numbers beyond 1, labels that a program keeps as floats. Bools, and 0
    with one other value: a mask. 1 and 2 without 0: class ids, as ``segment`` writes them. Other 8-bit values: class
    ids if they are small, or else probabilities times 255. Wider integers: ids of objects, unless the truth has class
    ids and they are small. Negative class ids are no class. Against ids of objects in 8 bits, 8-bit values are ids as
    well.

    Parameters
    ----------
    prediction : array
        Lazy arrays are read plane by plane, as those of a truth.
    truth : Reading
        Of the truth.
    kind : {"em", "document", "instances"}, optional
        What the images show.
    form : {"probabilities", "mask", "classes", "instances"}, optional
        Settles it.

    Raises
    ------
    TruthError
        The prediction is of a type that no segmentation has.
    """
    dtype = np.dtype(prediction.dtype)
    if dtype.kind not in "buif":
        raise TruthError(f"The prediction holds values of type {dtype}; probabilities or labels are needed.")
    byte = dtype.kind in "iu" and dtype.itemsize == 1
    in_bytes = Reading("probabilities", scale=255.0, words="probabilities in 8 bits, 255 = 1")
    if form == "probabilities" or (dtype.kind == "f" and not _holds_labels(prediction, form)):
        return in_bytes if byte else Reading("probabilities", words="probabilities")
    if dtype.kind == "b" and form is None:
        return Reading("mask", words="a mask: False and True")
    zero, values = _seen(prediction)
    if form is not None:
        return {"mask": _mask, "classes": _classes, "instances": _instances}[form](values)
    ids = kind == "instances" or truth.form == "instances"
    if not values or (len(values) == 1 and (zero or values[0] > 2)):
        return _mask(values)
    if kind == "instances":
        return _instances(values)
    if not zero and values[-1] <= 2:
        return _classes(values)
    if byte:
        if values[-1] > _MOST_CLASSES and not (ids and max(truth.values, default=0) <= 255):
            return in_bytes
        return _instances(values) if ids else _classes(values)
    # Without a 0 there is no background, as between objects: classes, of which the truth need not have them all.
    most = max(truth.values, default=0) if zero else _MOST_CLASSES
    as_classes = truth.form == "classes" and values[-1] <= most
    return _classes(values) if as_classes else _instances(values)
