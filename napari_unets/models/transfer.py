"""Models out of the store and into it: as folders, and as zip files that can be sent to somebody.

A model from elsewhere is two files, its card and its weights, and nothing else is taken of what comes with them.
Both are checked before the model is in the store: the card by its schema, the weights by their hash and against the
network. Nothing is unpickled, and names inside a zip file never become paths.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from napari_unets.models.card import ModelCard, model_name, read_card
from napari_unets.models.checking import check_fit, check_hash
from napari_unets.models.errors import ModelCardError, ModelError, ModelExistsError, ModelFileError
from napari_unets.models.model import CARD_FILE, WEIGHTS_FILE
from napari_unets.models.placing import explained, made_beside
from napari_unets.models.store import ModelStore

__all__ = ["copy_model", "export_model", "import_model", "model_in", "rename_model"]

_LARGEST_CARD = 2**22  # bytes
_LARGEST_WEIGHTS = 2**33


def export_model(name: str, target: str | Path, *, store: ModelStore | None = None, overwrite: bool = False) -> Path:
    """Write a model of the store to a folder or a zip file.

    Parameters
    ----------
    name : str
        Which model.
    target : str or Path
        ``….zip``, or else a folder, which gets the card and the weights.
    store : ModelStore, optional
        Where the model is.
    overwrite : bool
        Whether a model or zip file that is there is replaced.

    Returns
    -------
    Path
        The target.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    ModelCardError, WeightsError
        If it is damaged.
    ModelExistsError
        If the target is there and ``overwrite`` is False, or it is a folder with something else.
    ModelFileError
        If the target's own folder does not exist, or it cannot be written.
    """
    target = Path(target).expanduser()
    source = (store or ModelStore()).folder(name)
    card = read_card(source / CARD_FILE)
    check_hash(card, source / WEIGHTS_FILE)
    if not target.parent.is_dir():
        raise ModelFileError(f"{target}: the folder {target.parent} does not exist; create it first")
    if target.suffix.lower() != ".zip":
        with made_beside(target, overwrite=overwrite) as folder:
            _copy(source, folder, card)
        return target
    if target.is_dir() or (target.exists() and not overwrite):
        raise ModelExistsError(
            f"{target} exists already; choose another name, or replace it (overwrite=True; in the shell --overwrite)"
        )
    with explained(target), tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        made = Path(folder) / target.name
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in (CARD_FILE, WEIGHTS_FILE):
                if (source / file).is_file():
                    archive.write(source / file, f"{name}/{file}")
        made.replace(target)
    return target


def import_model(
    source: str | Path, *, name: str | None = None, store: ModelStore | None = None, overwrite: bool = False
) -> str:
    """Take a model from a folder or a zip file into the user's store.

    Parameters
    ----------
    source : str or Path
        A model's folder, or a zip file with one model in it.
    name : str, optional
        What to call it; by default what its card says.
    store : ModelStore, optional
        Where to.
    overwrite : bool
        Replace a model of the user that has this name.

    Returns
    -------
    str
        The model's name in the store.

    Raises
    ------
    ModelFileError
        If there is no model in the file or folder, or more than one.
    ModelCardError, ModelVersionError, WeightsError
        If the card is invalid or too new, or the weights are damaged or do not fit it.
    ModelExistsError
        If a model of that name is there already.
    """
    source = Path(source).expanduser()
    store = store or ModelStore()
    if source.is_dir():
        return _adopt(source, name, store, overwrite=overwrite, strange=True)
    store.user.mkdir(parents=True, exist_ok=True)
    with _unpacked(source, store.user) as folder:
        return _adopt(folder, name, store, overwrite=overwrite, strange=True)


def model_in(source: str | Path) -> ModelCard:
    """Read the card of a model in a folder or zip file; the weights are not looked at.

    Raises
    ------
    ModelFileError, ModelCardError, ModelVersionError
        As :func:`import_model`.
    """
    source = Path(source).expanduser()
    if source.is_dir():
        return read_card(source / CARD_FILE)
    with _unpacked(source, None, weights=False) as folder:
        return read_card(folder / CARD_FILE)


def copy_model(name: str, new: str, *, store: ModelStore | None = None) -> str:
    """Copy a model of the store, bundled or not, under another name among the user's own.

    Returns
    -------
    str
        The copy's name.

    Raises
    ------
    UnknownModelError, ModelExistsError, ModelCardError, WeightsError
        As :func:`import_model`.
    """
    store = store or ModelStore()
    return _adopt(store.folder(name), new, store, overwrite=False, strange=False)


def rename_model(name: str, new: str, *, store: ModelStore | None = None) -> str:
    """Give one of the user's own models another name.

    Returns
    -------
    str
        The new name.

    Raises
    ------
    UnknownModelError, ModelExistsError, ModelCardError, WeightsError
        As :func:`copy_model`; and if the model ships with the package.
    """
    store = store or ModelStore()
    if not store.is_own(name):
        raise ModelExistsError(f"model {name!r} ships with the package and keeps its name; copy it instead")
    made = copy_model(name, new, store=store)
    store.remove(name)
    return made


def _adopt(source: Path, name: str | None, store: ModelStore, *, overwrite: bool, strange: bool) -> str:
    """Check a folder's model, thoroughly if it is from elsewhere, and copy it to the user's models."""
    card = _renamed(read_card(source / CARD_FILE), name)
    target = store.place_for(card.name, overwrite=overwrite)
    check_hash(card, source / WEIGHTS_FILE)
    if strange:
        check_fit(card, source / WEIGHTS_FILE)
    with made_beside(target, overwrite=overwrite) as folder:
        _copy(source, folder, card)
    return card.name


def _renamed(card: ModelCard, name: str | None) -> ModelCard:
    if name is None or name == card.name:
        return card
    try:
        return ModelCard.model_validate(card.model_dump() | {"name": name})
    except ValidationError as error:
        raise ModelCardError(
            f"{name!r} is no name of a model: lower case letters, digits, '.', '_' and '-' only, 80 at most; "
            f"{model_name(name)!r} would be one"
        ) from error


def _copy(source: Path, folder: Path, card: ModelCard) -> None:
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if card.weights_sha256 is not None:
        shutil.copyfile(source / WEIGHTS_FILE, folder / WEIGHTS_FILE)


@contextmanager
def _unpacked(source: Path, place: Path | None, *, weights: bool = True) -> Iterator[Path]:
    """Take a model out of a zip file into a folder for a time; whatever is wrong with it names the zip file."""
    if not source.exists():
        raise ModelFileError(f"{source}: there is no such file or folder")
    if not zipfile.is_zipfile(source):
        raise ModelFileError(
            f"{source}: is neither a model's folder nor a zip file of one; a model is a folder with a {CARD_FILE}"
        )
    with tempfile.TemporaryDirectory(prefix=".import-", dir=place) as folder:
        try:
            with zipfile.ZipFile(source) as archive:
                _unpack(archive, Path(folder), weights=weights)
        except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            raise ModelFileError(
                f"{source}: the zip file cannot be read ({error}); fetch or export it again"
            ) from error
        try:
            yield Path(folder)
        except ModelError as error:
            raise type(error)(str(error).replace(folder, str(source))) from error


def _unpack(archive: zipfile.ZipFile, folder: Path, *, weights: bool = True) -> None:
    """Take card and weights out of a zip file, under names of our own."""
    entries = [entry for entry in archive.infolist() if "__MACOSX" not in entry.filename]
    cards = [entry for entry in entries if PurePosixPath(entry.filename).name == CARD_FILE]
    if len(cards) != 1:
        found = "no model" if not cards else f"{len(cards)} models"
        raise ModelFileError(f"{archive.filename}: there is {found} in this file, and not one {CARD_FILE}")
    wanted = [(cards[0], CARD_FILE, _LARGEST_CARD)]
    beside = PurePosixPath(cards[0].filename).parent / WEIGHTS_FILE
    if weights:
        found_weights = [entry for entry in entries if PurePosixPath(entry.filename) == beside]
        wanted += [(entry, WEIGHTS_FILE, _LARGEST_WEIGHTS) for entry in found_weights[:1]]
    for entry, name, largest in wanted:
        with archive.open(entry) as packed, (folder / name).open("wb") as file:
            _copy_at_most(packed, file, largest, f"{archive.filename}: {entry.filename}")


def _copy_at_most(source: IO[bytes], target: IO[bytes], largest: int, name: str) -> None:
    left = largest
    while part := source.read(min(2**20, left + 1)):
        left -= len(part)
        if left < 0:
            raise ModelFileError(f"{name} has more than {largest:,} bytes, which no model has")
        target.write(part)
