"""Sparse annotations of a stack: what is painted where, and which of it is kept aside for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, as_stack
from napari_unets.images.file_pairs import unpaired
from napari_unets.learning.errors import AnnotationError
from napari_unets.learning.sparse import SparseAnnotations

__all__ = ["AnnotatedStack", "Split", "annotated_stacks", "digest_of", "split_annotations"]

#: Side of the squares that annotations are dealt out in when too few planes are annotated to keep one aside.
_SQUARE = 64
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class AnnotatedStack:
    """A stack and what a user painted on some of its planes.

    Parameters
    ----------
    stack : Stack
        The image.
    annotations : Stack or SparseAnnotations
        Class ids, of the shape of the image without its colour samples; 0 = not annotated.

    Raises
    ------
    AnnotationError
        If the shapes differ, nothing is annotated, or the files of two folders are no pairs.
    """

    stack: Stack
    annotations: Stack | SparseAnnotations

    def __post_init__(self) -> None:
        if isinstance(self.annotations, Stack) and (wrong := unpaired(self.stack, self.annotations)):
            raise AnnotationError(wrong)
        image = self.stack.shape[:-1] if self.stack.is_rgb else self.stack.shape
        if self.annotations.shape[:-1] == image and self.annotations.shape[-1] in (2, 3, 4):
            raise AnnotationError(
                f"{self.annotations.name}: is in colour; annotations are class ids, one number a pixel: save them as a "
                "grey image (no palette) with 0 for what is not annotated"
            )
        if self.annotations.shape != image:
            raise AnnotationError(
                f"{self.annotations.name}: has the shape {self.annotations.shape}, but its image {self.stack.name} "
                f"has {image}; they must be the same"
            )
        if self.annotations.dtype.kind not in "bui":
            raise AnnotationError(
                f"{self.annotations.name}: holds {self.annotations.dtype} values; annotations are class ids, integers"
            )
        if not self.planes:
            raise AnnotationError(f"nothing is annotated in {self.annotations.name}: paint some pixels of each class")

    @cached_property
    def planes(self) -> dict[int, npt.NDArray[np.uint8]]:
        """Class ids ``(y, x)`` of every plane that has any, by the plane's number."""
        found = {}
        painted = self.annotations
        numbers = sorted(painted.by_plane) if isinstance(painted, SparseAnnotations) else range(painted.n_planes)
        for number in numbers:
            plane = self.annotations.plane(number)
            if plane.any():
                low, high = int(plane.min()), int(plane.max())
                if low < 0 or high > 255:
                    raise AnnotationError(
                        f"plane {number} of {self.annotations.name} holds the value {low if low < 0 else high}; "
                        "class ids go from 1 to 255, and 0 is not annotated"
                    )
                found[number] = plane.astype(np.uint8)
        return found

    def counts(self) -> dict[int, dict[int, int]]:
        """Annotated pixels of each class id on each annotated plane."""
        return {number: _count(plane) for number, plane in self.planes.items()}

    @classmethod
    def of(cls, image: object, annotations: object) -> AnnotatedStack:
        """Take anything that :func:`napari_unets.images.as_stack` takes, or annotations that are sparse already."""
        if isinstance(annotations, SparseAnnotations):
            return cls(as_stack(image), annotations)
        return cls(as_stack(image), as_stack(annotations, rgb=False, name="annotations"))


def annotated_stacks(sources: Any) -> list[AnnotatedStack]:
    """Return what is learnt from as a list.

    Raises
    ------
    AnnotationError
        If it is empty, or something else than a sequence of annotated stacks.
    """
    known = [] if isinstance(sources, AnnotatedStack) else list(sources)
    if not known or not all(isinstance(one, AnnotatedStack) for one in known):
        raise AnnotationError("what is learnt from is a list of one or more AnnotatedStack.of(image, annotations)")
    return known


def digest_of(sources: Iterable[AnnotatedStack]) -> str:
    """Return what tells these annotations from others: of where and what is painted, not of the images."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(repr(source.annotations.shape).encode())
        for number, plane in source.planes.items():
            digest.update(b"%d" % number)
            digest.update(plane.tobytes())
    return digest.hexdigest()


def _count(plane: npt.NDArray[np.uint8]) -> dict[int, int]:
    ids, counts = np.unique(plane[plane > 0], return_counts=True)
    return dict(zip(ids.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True)
class Split:
    """Annotations to learn from and others to validate on; no pixel is in both.

    Attributes
    ----------
    training, validation : dict of int to ndarray
        Class ids ``(y, x)`` by plane; 0 = not annotated, or not in this part.
    how : str
        What was kept aside, in words.
    """

    training: dict[int, npt.NDArray[np.uint8]]
    validation: dict[int, npt.NDArray[np.uint8]]
    how: str


def split_annotations(
    planes: Mapping[int, npt.NDArray[np.uint8]], *, share: float = 0.2, seed: int = 0, least: int = 50
) -> Split:
    """Keep part of the annotations aside for validation.

    Whole planes where at least five are annotated. Otherwise squares of 64 pixels, so that a stroke is
    not cut pixel by pixel: neighbours are too alike for an honest score. Each class that training knows must
    be left to both parts, with ``least`` pixels for validation; where that cannot be, nothing is kept aside.

    Which part a plane or a square falls to does not hang on what else is annotated: who paints more and learns again
    is not to be judged by what the model has learnt from the first time.

    Parameters
    ----------
    planes : dict of int to ndarray
        Class ids by plane, 0 = not annotated.
    share : float
        Share of the annotated pixels to keep aside, about.
    seed : int
        Decides which.
    least : int
        Fewest validation pixels of each class that make a score worth having.

    Returns
    -------
    Split
    """
    nothing = Split(dict(planes), {}, "too little is annotated to keep any of it aside: nothing is validated")
    known = _totals(planes)
    if any(count < 2 * least for count in known.values()):  # no need to deal large planes out in vain
        return nothing
    candidates: Iterator[Split] = (
        deal(planes, share, (seed, attempt)) for deal in (_by_planes, _by_squares) for attempt in range(8)
    )
    for split in candidates:
        kept, left = _totals(split.validation), _totals(split.training)
        if all(kept.get(c, 0) >= least and left.get(c, 0) >= least for c in known):
            return split
    return nothing


def annotated_density(planes: Iterable[npt.NDArray[np.uint8]]) -> float:
    """Share of the pixels that are annotated where anything is: of strokes about a tenth, of boxes and slices about 1.

    Parameters
    ----------
    planes : iterable of ndarray of uint8, shape (y, x)
        Class ids, 0 = not annotated. Looked at in squares of 64 pixels.

    Returns
    -------
    float
        0 without any annotation.
    """
    annotated = around = 0
    for plane in planes:
        for rows in range(0, plane.shape[0], _SQUARE):
            for columns in range(0, plane.shape[1], _SQUARE):
                square = plane[rows : rows + _SQUARE, columns : columns + _SQUARE]
                count = int(np.count_nonzero(square))
                annotated += count
                around += square.size if count else 0
    return annotated / around if around else 0.0


def _totals(planes: Mapping[int, npt.NDArray[np.uint8]]) -> dict[int, int]:
    totals: dict[int, int] = {}
    for plane in planes.values():
        for class_id, count in _count(plane).items():
            totals[class_id] = totals.get(class_id, 0) + count
    return totals


def _by_planes(planes: Mapping[int, npt.NDArray[np.uint8]], share: float, seed: tuple[int, int]) -> Split:
    if len(planes) < 5:
        return Split(dict(planes), {}, "")
    # Multiples of the golden ratio: of any few planes about this share, where chance may take most of them or none.
    start = np.random.default_rng(seed).random()
    drawn = {number: (start + number * _GOLDEN) % 1 for number in planes}
    chosen = {n for n, value in drawn.items() if value < share} or {min(drawn, key=drawn.__getitem__)}
    return Split(
        {n: p for n, p in planes.items() if n not in chosen},
        {n: p for n, p in planes.items() if n in chosen},
        f"planes {', '.join(map(str, sorted(chosen)))} are kept aside for validation",
    )


def _by_squares(planes: Mapping[int, npt.NDArray[np.uint8]], share: float, seed: tuple[int, int]) -> Split:
    training: dict[int, npt.NDArray[np.uint8]] = {}
    validation: dict[int, npt.NDArray[np.uint8]] = {}
    for number, plane in planes.items():
        squares = tuple(-(-side // _SQUARE) for side in plane.shape)
        drawn = np.random.default_rng((*seed, number)).random(squares) < share
        aside = drawn.repeat(_SQUARE, 0).repeat(_SQUARE, 1)[: plane.shape[0], : plane.shape[1]]
        for part, mask in ((validation, aside), (training, ~aside)):
            cut = np.where(mask, plane, np.uint8(0))
            if cut.any():
                part[number] = cut
    return Split(training, validation, f"squares of {_SQUARE} pixels on the annotated planes are kept aside")
