"""Where models are kept and found by name."""

from __future__ import annotations

import difflib
import os
import shutil
from pathlib import Path

import platformdirs

from napari_unets.models.card import ModelCard, read_card
from napari_unets.models.errors import ModelCardError, ModelError, ModelExistsError, NotAModelError, UnknownModelError
from napari_unets.models.model import CARD_FILE, Model, read_model

__all__ = ["BUNDLED", "ModelStore", "load_model", "user_models_folder"]

#: Models that ship with the package.
BUNDLED = Path(__file__).parent / "bundled"

_TASKS = ("em", "document", "other")


def user_models_folder() -> Path:
    """Folder of the user's own models: ``$NAPARI_UNETS_MODELS``, or one in the platform's data folder."""
    if chosen := os.environ.get("NAPARI_UNETS_MODELS"):
        return Path(chosen).expanduser()
    return Path(platformdirs.user_data_dir("napari-unets", appauthor=False)) / "models"


class ModelStore:
    """The bundled models and the user's; a user's model hides a bundled one of the same name.

    Parameters
    ----------
    user : str or Path, optional
        Folder of the user's models; by default :func:`user_models_folder`.
    bundled : Path
        Folder of the models that ship with the package.
    """

    def __init__(self, user: str | Path | None = None, bundled: Path = BUNDLED) -> None:
        self.user = Path(user) if user is not None else user_models_folder()
        self.bundled = bundled

    def folders(self) -> dict[str, Path]:
        """Folder of every model by its name (the folder's name), bundled ones first."""
        found: dict[str, Path] = {}
        for place in (self.bundled, self.user):
            try:
                folders = sorted(place.iterdir())
            except OSError:  # none yet; or what `trouble` says, which takes nobody the bundled ones
                continue
            for folder in folders:
                # Path.is_file raises where a folder may not be looked into
                if os.path.isfile(folder / CARD_FILE) and not folder.name.startswith("."):  # noqa: PTH113
                    found[folder.name] = folder
        return found

    @property
    def trouble(self) -> str:
        """Why the user's models cannot be listed; empty if they can, or if there are none yet."""
        try:
            next(self.user.iterdir(), None)
        except FileNotFoundError:
            return ""
        except OSError as error:
            return (
                f"{self.user}: your models cannot be listed ({error.strerror}); see to the folder, or name another one "
                "in NAPARI_UNETS_MODELS"
            )
        return ""

    def list(self) -> tuple[dict[str, ModelCard], dict[str, ModelError]]:
        """Cards of all models by name, and what is wrong with those whose card cannot be read.

        Bundled models come first; among them those of EM, then those of documents, and formulas last.
        """
        cards: dict[str, ModelCard] = {}
        broken: dict[str, ModelError] = {}
        folders = self.folders()
        for name, folder in folders.items():
            try:
                cards[name] = read_card(folder / CARD_FILE)
            except ModelError as error:
                broken[name] = error

        def rank(name: str) -> tuple[bool, bool, int, str]:
            card = cards[name]
            return folders[name].parent == self.user, card.weights_sha256 is None, _TASKS.index(card.task), name

        return {name: cards[name] for name in sorted(cards, key=rank)}, broken

    def folder(self, name: str) -> Path:
        """Folder of a model.

        Raises
        ------
        UnknownModelError
            If there is none of that name; the message lists those there are.
        """
        folders = self.folders()
        if name in folders:
            return folders[name]
        near = difflib.get_close_matches(name, folders, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownModelError(
            f"there is no model {name!r}; the models are {', '.join(folders) or 'none'} "
            f"(bundled and in {self.user}).{hint}{self.trouble and ' '}{self.trouble}"
        )

    def load(self, name: str) -> Model:
        """Model by name; its weights are read on first use."""
        return read_model(self.folder(name))

    def is_own(self, name: str) -> bool:
        """Whether a model is one of the user's, and not one that ships with the package.

        Raises
        ------
        UnknownModelError
            If there is none of that name.
        """
        return self.folder(name).parent == self.user

    def place_for(self, name: str, *, overwrite: bool = False) -> Path:
        """Folder of a model of the user's that is to be made.

        Raises
        ------
        ModelExistsError
            If a model that ships with the package has the name, or one of the user's, unless ``overwrite``.
        ModelCardError
            If it is no name of a folder.
        """
        if Path(name).name != name or name in ("", ".."):
            raise ModelCardError(f"{name!r} is no name of a model, whose folder is to be in {self.user}")
        if name in self.folders() and not self.is_own(name):
            raise ModelExistsError(f"a model {name!r} ships with the package; choose another name for this one")
        if os.path.exists(self.user / name) and not overwrite:  # noqa: PTH110 - Path.exists raises if it may not look
            raise ModelExistsError(f"there is a model {name!r} already; choose another name, or remove that one first")
        return self.user / name

    def remove(self, name: str) -> Path:
        """Delete one of the user's models and return where it was.

        Raises
        ------
        UnknownModelError
            If there is none of that name.
        ModelExistsError
            If it ships with the package.
        """
        folder = self.folder(name)
        if not self.is_own(name):
            raise ModelExistsError(f"model {name!r} ships with the package and is not removed")
        shutil.rmtree(folder)
        return folder


def load_model(name: str | Path) -> Model:
    """Model by its name in the store, or by the path of its folder.

    Parameters
    ----------
    name : str or Path
        ``"em-membranes"``, or a folder with ``card.json`` and ``weights.safetensors``.

    Returns
    -------
    Model
        Its weights are read on first use.

    Raises
    ------
    UnknownModelError
        If there is no such model; the message lists those there are.
    NotAModelError
        If it is neither a name nor a path.
    ModelCardError, ModelVersionError, WeightsError
        If the model is damaged, or newer than this package.
    """
    if not isinstance(name, str | os.PathLike):
        raise NotAModelError(
            f"a model is loaded by its name or the path of its folder, not by something of type {type(name).__name__}"
        )
    folder = Path(name).expanduser()
    if isinstance(name, os.PathLike) or len(folder.parts) > 1 or os.path.isfile(folder / CARD_FILE):  # noqa: PTH113
        if os.path.isfile(folder):  # noqa: PTH113
            raise UnknownModelError(
                f"{folder}: is a file, and a model is the folder with its {CARD_FILE}; one that was exported is "
                "imported first: napari-unets models import"
            )
        if not os.path.isdir(folder):  # noqa: PTH112
            raise UnknownModelError(
                f"{folder}: there is no such folder, or it may not be read; a model is a folder with a {CARD_FILE}"
            )
        return read_model(folder)
    return ModelStore().load(str(name))
