"""Which output is made of which input, and whether that can be done at all, before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.batch.events import BatchItem
from napari_unets.jobs.outputs.naming import name_outputs
from napari_unets.jobs.outputs.safe_places import Inputs, plain_place
from napari_unets.jobs.outputs.settings import Kind

__all__ = ["BatchPlanError", "OutputsExistError", "check_items", "plan_items", "refuse_existing"]

_NAMED = 5  # in an error; a report names all
#: File systems take names of 255 bytes, and the hidden one under which an output is made has up to 19 more.
_LONGEST = 236


class BatchPlanError(NapariUnetsError):
    """Inputs and outputs that do not go together."""


class OutputsExistError(BatchPlanError):
    """Outputs that are there already.

    Attributes
    ----------
    targets : list of Path
        All of them.
    """

    def __init__(self, targets: Sequence[Path]) -> None:
        more = f" and {len(targets) - _NAMED} more" if len(targets) > _NAMED else ""
        names = ", ".join(str(target) for target in targets[:_NAMED])
        super().__init__(
            f"{names}{more}: there already; resume (--resume) to skip those that still match their input, "
            "overwrite (--overwrite) to replace them, or choose another place or pattern"
        )
        self.targets = list(targets)

    def __reduce__(self) -> tuple[type[OutputsExistError], tuple[list[Path]]]:
        return type(self), (self.targets,)


def plan_items(
    sources: str | Path | Sequence[str | Path], folder: str | Path, pattern: str, *, model: str, kind: Kind
) -> list[BatchItem]:
    """Choose the output of each input.

    Parameters
    ----------
    sources : str, Path, or a sequence of them
        The inputs. Those that are themselves outputs of others are left out: a glob finds them when it is used again.
    folder, pattern, model, kind
        See :func:`~napari_unets.jobs.outputs.naming.name_outputs`.

    Returns
    -------
    list of BatchItem

    Raises
    ------
    BatchPlanError
        As :func:`check_items`, or if there is no input, or no such kind of output.
    PatternError
        See there.
    """
    named = [str(one) for one in ([sources] if isinstance(sources, str | Path) else sources)]
    if not named:
        raise BatchPlanError("there are no inputs; name files, folders or patterns such as 'scans/*.tif'")
    if kind not in get_args(Kind):
        raise BatchPlanError(f"there is no kind of output {kind!r}; there are {', '.join(get_args(Kind))}")
    targets = name_outputs(named, Path(folder), pattern, model=model, kind=kind)
    places = {plain_place(target): source for source, target in zip(named, targets, strict=True)}
    items = [
        BatchItem((source,), target)
        for source, target in zip(named, targets, strict=True)
        if places.get(plain_place(source), source) == source
    ]
    check_items(items, follow=False)
    return items


def check_items(items: Sequence[BatchItem], *, follow: bool = True) -> None:
    """Refuse a plan that writes two outputs to one place, over an input or where nothing can be, or changes an input.

    Parameters
    ----------
    items : sequence of BatchItem
        The plan.
    follow : bool
        Look whether two names lead to one place through links, on a file system that may be slow.

    Raises
    ------
    BatchPlanError
        If so.
    """
    whose: dict[str, BatchItem] = {}
    inputs = Inputs({source for item in items for source in item.sources}, follow=follow)
    for item in items:
        place = _real_place(item.target) if follow else plain_place(item.target)
        if place in whose:
            raise BatchPlanError(
                f"{whose[place].name} and {item.name} would both be written to {item.target}; "
                "name outputs by a pattern with {parent} or {number} in it"
            )
        if danger := inputs.danger(item.target):
            raise BatchPlanError(danger)
        _check_name(item.target)
        whose[place] = item


def _check_name(target: Path) -> None:
    if (length := len(os.fsencode(target.name))) > _LONGEST:
        raise BatchPlanError(f"{target}: the name has {length} bytes, {_LONGEST} are possible; choose a shorter one")
    there = next((folder for folder in target.parents if folder.exists()), None)
    if there is not None and not there.is_dir():
        raise BatchPlanError(f"{target}: {there} is a file, in which nothing can be put; choose another folder")


def refuse_existing(items: Sequence[BatchItem]) -> None:
    """Refuse a plan of which some outputs are there.

    Raises
    ------
    OutputsExistError
        Names them.
    """
    if there := [item.target for item in items if item.target.exists()]:
        raise OutputsExistError(there)


def _real_place(path: str | Path) -> str:
    return str(Path(path).expanduser().resolve())
