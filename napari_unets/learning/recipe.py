"""Recipes: a training run as a TOML file that says everything about it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from napari_unets.errors import NapariUnetsError
from napari_unets.learning.cascading import cascade_models
from napari_unets.learning.errors import NothingToTrainError
from napari_unets.learning.operators import Operator
from napari_unets.learning.page_augment import PageAugmentSettings
from napari_unets.learning.photographs import PhotographAugmentSettings
from napari_unets.learning.settings import FitSettings
from napari_unets.models import ClassInfo, ModelCard, Normalisation, load_model
from napari_unets.networks import ModularCascade, Network, create_network

__all__ = ["PagesRecipe", "PhotographsRecipe", "Recipe", "RecipeError", "StackRecipe", "read_recipe"]


class RecipeError(NapariUnetsError):
    """A recipe that is no TOML, says something it must not, or asks for data that is not there."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StackRecipe(_Part):
    """Planes of one stack; paths are relative to the data folder that the command names."""

    kind: Literal["stack"] = "stack"
    images: str = Field(description="A stack, or a folder of images.")
    labels: str = Field(description="Its annotations, of the same shape.")
    classes: dict[int, int] = Field(description="Class id of each value in the labels; 0 and others: not annotated.")
    validation: list[int] = Field(default_factory=list, description="Planes (from 0) that training never sees.")


class PagesRecipe(_Part):
    """Pages of any size, each with its truth; patterns are relative to the data folder that the command names."""

    kind: Literal["pages"]
    images: str = Field(description="Such as */*_source.png; a star stands for any part of one name.")
    labels: str = Field(description="Such as */*_target.png, with the stars in the same order.")
    classes: dict[int, int] = Field(description="Class id of each value in the labels; 1 is ink, 2 is paper.")
    validation: list[str] = Field(
        default_factory=list, description="Patterns, such as 2016/*, of pages that training never sees."
    )
    augment: PageAugmentSettings = Field(default_factory=PageAugmentSettings)


class PhotographsRecipe(_Part):
    """Photographs, and a classical operator whose result on them is to be made."""

    kind: Literal["photographs"]
    operator: Operator
    images: str = Field(".", description="Folder in the data folder; its sub-folders count as well.")
    validation: int = Field(20, ge=0, description="How many photographs, evenly spread, training never sees.")
    augment: PhotographAugmentSettings = Field(default_factory=PhotographAugmentSettings)


def _kind(data: Any) -> str:
    return str(data.get("kind", "stack") if isinstance(data, dict) else data.kind)


DataRecipe = Annotated[
    Annotated[StackRecipe, Tag("stack")]
    | Annotated[PagesRecipe, Tag("pages")]
    | Annotated[PhotographsRecipe, Tag("photographs")],
    Discriminator(_kind),
]


class NetworkRecipe(_Part):
    """Which network, the keywords it is built with, and where a cascade's modules come from."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)
    pretrained: list[str] = Field(
        default_factory=list,
        description="Models, by name or folder, whose weights the modules of a modular-cascade begin with, in order. "
        "Without settings.modules they also say what the modules are.",
    )

    @model_validator(mode="after")
    def _only_cascades_have_modules(self) -> NetworkRecipe:
        if self.pretrained and self.name != ModularCascade.name:
            raise ValueError(f"only a {ModularCascade.name} has modules to be pretrained, not {self.name}")
        return self


class CardRecipe(_Part):
    """What the model's card says beyond what the run itself finds out."""

    title: str
    summary: str
    description: str = ""
    task: str = "other"
    classes: list[ClassInfo]
    pixel_size_nm: float | None = None
    halo: int
    licence: str
    citation: list[str] = Field(default_factory=list)


class Recipe(_Part):
    """One training run: data, network, normalisation, schedule, card."""

    name: str
    data: DataRecipe
    network: NetworkRecipe
    normalisation: Normalisation = Normalisation()
    fit: FitSettings
    select: str = Field("dice", description="Validation score by which the best weights are chosen.")
    card: CardRecipe

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.data.kind != "stack" and self.normalisation.method != "range":
            raise ValueError(f'{self.data.kind} need normalisation.method = "range": each of them stands for itself')
        if self.data.kind != "stack" and "augment" in self.fit.model_fields_set:
            raise ValueError(f"{self.data.kind} are changed by data.augment, not by fit.augment")
        if self.data.kind == "photographs" and self.network.settings.get("out_channels", 1) != 1:
            raise ValueError("an operator makes one image: out_channels is 1")
        return self

    @property
    def in_channels(self) -> int:
        """Channels of the image: 1 for luminance, 3 for colour."""
        return int(self.network.settings.get("in_channels", 1))

    def create_network(self) -> Network:
        """Build the network with random weights.

        Raises
        ------
        NothingToTrainError
            If it is a formula without weights.
        ModelError, NetworkSettingsError
            If a pretrained module is not there, or cannot be one.
        """
        if self.network.pretrained and "modules" not in self.network.settings:
            return cascade_models([load_model(name) for name in self.network.pretrained], **self.network.settings)
        network = create_network(self.network.name, **self.network.settings)
        if not network.has_weights:
            raise NothingToTrainError(self.network.name)
        return network

    def model_card(self, network: Network) -> ModelCard:
        """Card of the model in the making; training record, scores and hash come later."""
        return ModelCard.model_validate(
            {
                **self.card.model_dump(),
                "name": self.name,
                "network": network.name,
                "network_config": network.config,
                "normalisation": self.normalisation,
                "weights_sha256": "0" * 64,
            }
        )


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe.

    A recipe that begins with ``extends = "other.toml"`` (in the same folder) is that one but for what it says itself:
    each key of each table replaces the other's.

    Raises
    ------
    RecipeError
        If the file is missing, is no TOML, or a field is wrong; the message names the field.
    """
    try:
        return Recipe.model_validate(_content(path, ()))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: not a valid recipe: {wrong}") from error


def _content(path: Path, extended: tuple[Path, ...]) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: this recipe cannot be read: {error}") from error
    other = content.pop("extends", None)
    if other is None:
        return content
    if path in extended or not isinstance(other, str):
        raise RecipeError(f"{path}: a recipe extends one other recipe, named by its file, and never itself")
    base = _content(path.with_name(other), (*extended, path))
    for key, value in content.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = base[key] | value if both else value
    return base
