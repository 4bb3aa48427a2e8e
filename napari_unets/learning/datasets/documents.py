"""The DIBCO contests' folders, which differ from year to year, to one layout."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from natsort import natsorted

from napari_unets.images import open_stack, save_stack
from napari_unets.learning.datasets.catalogue import DatasetError

__all__ = ["arrange_dibco"]

_PICTURES = (".png", ".bmp", ".tif", ".tiff", ".jpg")
#: What the contests add to a truth's name, and what that of its folder has in it.
_TRUTH = re.compile(r"[-_]*(estgt|gt|ground[-_ ]?truth)(?![a-z])", re.IGNORECASE)
_TRUTHS = re.compile(r"(?<![a-z])gt|ground[-_ ]?truth", re.IGNORECASE)


def arrange_dibco(folder: Path, output: Path) -> list[Path]:
    """Copy the contests' pages and truths as ``YEAR/NAME_source.png`` and ``YEAR/NAME_target.png``.

    A picture is a truth if its name, or that of a folder between it and the year's, says so: ``GT``, ``estGT`` or
    "ground truth", in any case. It belongs to the page of the same name without that word.

    Parameters
    ----------
    folder : Path
        Holds a folder a year (any name that has four digits), with what the contest's archives hold in it.
    output : Path
        Where to.

    Returns
    -------
    list of Path
        The sources that were written; what is there already is left as it is.

    Raises
    ------
    DatasetError
        If there is no year, or a truth without a page or with several. Pages without a truth are left out.
    """
    years = {found.group(): path for path in natsorted(folder.iterdir()) if (found := _year(path))}
    if not years:
        raise DatasetError(f"{folder}: there is no folder of a year, such as 2009, with a contest's unpacked archives")
    written = []
    for year, where in sorted(years.items()):
        for name, (page, truth) in _pairs(where).items():
            source = output / year / f"{name}_source.png"
            source.parent.mkdir(parents=True, exist_ok=True)
            _copy(page, source)
            _copy(truth, source.with_name(f"{name}_target.png"))
            written.append(source)
    return written


def _year(path: Path) -> re.Match[str] | None:
    return re.search(r"(?<!\d)20\d\d(?!\d)", path.name) if path.is_dir() else None


def _pairs(where: Path) -> dict[str, tuple[Path, Path]]:
    pages: dict[str, list[Path]] = {}
    truths: dict[str, Path] = {}
    for path in natsorted(where.rglob("*")):
        if path.suffix.lower() not in _PICTURES:
            continue
        name = _TRUTH.sub("", path.stem)
        folders = path.relative_to(where).parts[:-1]
        if name != path.stem or any(_TRUTHS.search(part) for part in folders):
            truths[name] = path
        else:
            pages.setdefault(name, []).append(path)
    for name, truth in truths.items():
        if len(pages.get(name, ())) != 1:
            found = ", ".join(map(str, pages.get(name, ()))) or "none"
            raise DatasetError(f"{truth}: there must be one page {name} for this truth; found: {found}")
    return {name: (pages[name][0], truth) for name, truth in truths.items()}


def _copy(path: Path, target: Path) -> None:
    if target.exists():
        return
    if path.suffix.lower() == ".png":
        shutil.copyfile(path, target)
        return
    with open_stack(path) as stack:
        save_stack(target, stack.plane(0)[None], axes="zyxs" if stack.is_rgb else "zyx")
