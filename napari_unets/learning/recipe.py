"""Recipes: a training run as a TOML file that says everything about it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_unets.errors import NapariUnetsError
from napari_unets.learning.errors import NothingToTrainError
from napari_unets.learning.settings import FitSettings
from napari_unets.models import ClassInfo, ModelCard, Normalisation
from napari_unets.networks import Network, create_network

__all__ = ["Recipe", "RecipeError", "read_recipe"]


class RecipeError(NapariUnetsError):
    """A recipe that is no TOML, says something it must not, or asks for data that is not there."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataRecipe(_Part):
    """What is learnt from; paths are relative to the data folder that the command names."""

    images: str = Field(description="A stack, or a folder of images.")
    labels: str = Field(description="Its annotations, of the same shape.")
    classes: dict[int, int] = Field(description="Class id of each value in the labels; 0 and others: not annotated.")
    validation: list[int] = Field(default_factory=list, description="Planes (from 0) that training never sees.")


class NetworkRecipe(_Part):
    """Which network, and the keywords it is built with."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


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

    def create_network(self) -> Network:
        """Build the network with random weights.

        Raises
        ------
        NothingToTrainError
            If it is a formula without weights.
        """
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

    Raises
    ------
    RecipeError
        If the file is missing, is no TOML, or a field is wrong; the message names the field.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: this recipe cannot be read: {error}") from error
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors())
        raise RecipeError(f"{path}: not a valid recipe: {wrong}") from error
