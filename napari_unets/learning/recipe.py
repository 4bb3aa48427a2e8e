"""Recipes: a training run as a TOML file that says everything about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from napari_unets.errors import wrong_fields
from napari_unets.learning.cascading import cascade_models
from napari_unets.learning.errors import NothingToTrainError
from napari_unets.learning.operators import BINARY_OPERATORS
from napari_unets.learning.recipe_data import (
    DataRecipe,
    PagesRecipe,
    PhotographsRecipe,
    PicturesRecipe,
    RecipePart,
    StackRecipe,
)
from napari_unets.learning.recipe_file import RecipeError, recipe_content
from napari_unets.learning.settings import FitSettings
from napari_unets.models import UNSAVED, ClassInfo, ModelCard, Normalisation, load_model
from napari_unets.networks import ModularCascade, Network, create_network

__all__ = [
    "PagesRecipe",
    "PhotographsRecipe",
    "PicturesRecipe",
    "Recipe",
    "RecipeError",
    "StackRecipe",
    "read_recipe",
]


#: Scores of each kind of data by which weights can be chosen, the higher the better; the first one unless told.
_SELECTABLE = {
    "stack": ("dice", "v_rand"),
    "pages": ("f_measure", "psnr"),
    "pictures": ("jaccard", "ap50", "ap70", "ap90"),
    "photographs": ("psnr", "dice"),
}


class NetworkRecipe(RecipePart):
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


class CardRecipe(RecipePart):
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


class Recipe(RecipePart):
    """One training run: data, network, normalisation, schedule, card."""

    name: str
    data: DataRecipe
    network: NetworkRecipe
    normalisation: Normalisation = Normalisation()
    fit: FitSettings
    select: str = Field(
        "",
        validate_default=True,
        description='Validation score by which the best weights are chosen; "last": none, the last ones. By default '
        "dice of a stack, f_measure of pages, jaccard of pictures, psnr of photographs.",
    )
    card: CardRecipe

    @field_validator("select")
    @classmethod
    def _selectable(cls, select: str, info: ValidationInfo) -> str:
        data = info.data.get("data")
        if data is None:  # not valid itself, which is what is told
            return select
        scores = _SELECTABLE[data.kind]
        if isinstance(data, PhotographsRecipe) and data.operator not in BINARY_OPERATORS:
            scores = scores[:1]
        if select and select not in (*scores, "last"):
            raise ValueError(f"of {data.kind} weights are chosen by {', '.join(scores)}, or last, not by {select}")
        return select or scores[0]

    @model_validator(mode="after")
    def _classes_are_known(self) -> Recipe:
        known = [c.id for c in self.card.classes]
        wanted = () if isinstance(self.data, PhotographsRecipe) else self.data.classes.values()
        if strange := sorted(set(wanted) - {0, *known}):
            raise ValueError(f"data.classes has class {strange[0]}; card.classes are {', '.join(map(str, known))}")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.data.kind != "stack" and self.normalisation.method != "range":
            raise ValueError(f'{self.data.kind} need normalisation.method = "range": each of them stands for itself')
        if isinstance(self.data, PagesRecipe | PhotographsRecipe) and "augment" in self.fit.model_fields_set:
            raise ValueError(f"{self.data.kind} are changed by data.augment, not by fit.augment")
        in_turn = isinstance(self.data, StackRecipe | PicturesRecipe) and self.data.draw == "in-turn"
        if in_turn and "augment" in self.fit.model_fields_set:
            raise ValueError('patches drawn in turn are not warped: fit.augment goes with data.draw = "random"')
        if self.fit.start_share:
            raise ValueError("fit.start_share is of fine-tuning; a recipe ends with what was learnt: leave it out")
        if self.fit.epochs is not None and not in_turn:
            raise ValueError('epochs need data.draw = "in-turn": random patches never end')
        if isinstance(self.data, PhotographsRecipe) and self.network.settings.get("out_channels", 1) != 1:
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
        """Card of the model in the making; training record, scores and hash come later.

        Raises
        ------
        RecipeError
            If a card cannot say this: a name that is no name of a folder, classes that the network does not give.
        """
        try:
            return ModelCard.model_validate(
                {
                    **self.card.model_dump(),
                    "name": self.name,
                    "network": network.name,
                    "network_config": network.config,
                    "normalisation": self.normalisation,
                    "weights_sha256": UNSAVED,
                }
            )
        except ValidationError as error:
            raise RecipeError(f"the model's card would not be valid: {wrong_fields(error, 'card')}") from error


def read_recipe(path: Path, *, protocol: str | None = None, network: str | None = None) -> Recipe:
    """Read and check a recipe.

    A recipe that begins with ``extends = "other.toml"`` (in the same folder) is that one but for what it says itself:
    each key of each table replaces the other's. So do the tables of its protocols.

    Parameters
    ----------
    path : Path
        The TOML file.
    protocol, network : str, optional
        Which of its protocols and of its networks, where it has several; the first ones by default.

    Raises
    ------
    RecipeError
        If the file is missing, is no TOML, or a field is wrong; the message names the field.
    """
    try:
        return Recipe.model_validate(recipe_content(path, protocol, network))
    except ValidationError as error:
        raise RecipeError(f"{path}: not a valid recipe: {wrong_fields(error, 'recipe')}") from error
