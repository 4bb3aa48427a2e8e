"""What a training would use, and what is wrong with it, in words: before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_unets.images.plane_names import plane_name
from napari_unets.learning.annotations import AnnotatedStack, split_annotations
from napari_unets.models import ClassInfo

__all__ = ["Preflight", "preflight"]


@dataclass(frozen=True)
class Preflight:
    """Report on annotations.

    Attributes
    ----------
    uses : list of str
        What will be learnt from, a sentence each.
    problems : list of str
        What makes training impossible, and what to do; empty when all is well.
    warnings : list of str
        What makes it less good than it could be.
    """

    uses: list[str]
    problems: list[str]
    warnings: list[str]


def preflight(sources: Sequence[AnnotatedStack], classes: Sequence[ClassInfo]) -> Preflight:
    """Look at annotated stacks as a model with these classes would learn from them.

    Parameters
    ----------
    sources : sequence of AnnotatedStack
        Images with annotations.
    classes : sequence of ClassInfo
        Classes of the model to be.

    Returns
    -------
    Preflight
    """
    names = {c.id: c.name for c in classes}
    uses, problems, warnings = [], [], []
    totals: dict[int, int] = {}
    for source in sources:
        counts = source.counts()
        for plane in counts.values():
            for class_id, count in plane.items():
                totals[class_id] = totals.get(class_id, 0) + count
        if not (split := split_annotations(source.planes)).validation:
            warnings.append(f"{source.stack.name}: {split.how}")
        before = source.stack.shape[: source.stack.plane_axes]
        slices = ", ".join(plane_name(number, before) for number in counts)
        uses.append(f"{source.stack.name}: {len(counts)} annotated slice{'s' * (len(counts) > 1)} ({slices})")
        constant = [n for n in counts if (pixels := source.stack.plane(n)).min() == pixels.max()]
        if constant:
            where = plane_name(constant[0], before)
            problems.append(f"{source.stack.name} has one single grey value on slice {where}: nothing to see there")
    uses.append(", ".join(f"{names.get(c, f'class {c}')}: {n:,} pixels" for c, n in sorted(totals.items())))
    if strange := sorted(set(totals) - set(names)):
        problems.append(
            f"the annotations hold class {strange[0]}, but the model's classes are "
            f"{', '.join(f'{i} = {n}' for i, n in names.items())}: add the class or erase those pixels"
        )
    if len(totals) == 1:
        only = next(iter(totals))
        problems.append(
            f"all {totals[only]:,} annotated pixels are {names.get(only, f'class {only}')}: "
            "paint some pixels of another class too, or there is nothing to tell apart"
        )
    elif missing := [name for class_id, name in names.items() if class_id not in totals]:
        rest = "it is not learnt, and what the model knows of it may fade"
        warnings.append(f"nothing is annotated as {', '.join(missing)}: {rest}")
    return Preflight(uses, problems, warnings)
