"""The card of a model: all that one must know to run it, judge it and cite it."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from napari_unets.errors import wrong_fields
from napari_unets.models.errors import ModelCardError, ModelVersionError

__all__ = [
    "CARD_VERSION",
    "UNSAVED",
    "ClassInfo",
    "ModelCard",
    "Normalisation",
    "Score",
    "TrainingRecord",
    "model_name",
    "read_card",
]

#: Version of the card's layout. A card of a later version is refused, not guessed at.
CARD_VERSION: Final = 1

#: Stands for the hash of weights on a card until they are saved.
UNSAVED: Final = "0" * 64

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


def _defined(figures: Any) -> Any:
    """Leave out what is undefined (a blank page has no F-measure): JSON has no such numbers."""
    if not isinstance(figures, dict):
        return figures
    return {
        name: value
        for name, value in figures.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }


#: Scores by their names; those that are undefined or infinite are left out.
Figures = Annotated[dict[str, float], BeforeValidator(_defined)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassInfo(_Part):
    """What a pixel can be."""

    id: int = Field(ge=1, description="Value in segmentations and annotations; 0 means not annotated.")
    name: str
    color: Colour


class Normalisation(_Part):
    """How grey values become network input, by statistics of the whole stack, or (otsu, wolf) of each plane."""

    method: Literal["zscore", "percentile", "range", "otsu", "wolf"] = "zscore"
    low: float = Field(1.0, ge=0, le=100, description="Lower percentile (method percentile).")
    high: float = Field(99.0, ge=0, le=100, description="Upper percentile (method percentile).")
    window: int = Field(1, ge=1, description="Side of the squares whose contrast is looked at (method wolf).")


class Score(_Part):
    """Figures measured on one data set."""

    data: str = Field(description="What was scored, and whether training saw it.")
    values: Figures
    command: str = Field("", description="What gives these figures.")


class TrainingRecord(_Part):
    """Where the weights come from."""

    recipe: str = ""
    data: str = ""
    steps: int = Field(0, ge=0)
    minutes: float = Field(0.0, ge=0)
    hardware: str = ""
    seed: int = 0
    settings: dict[str, Any] = Field(default_factory=dict)
    annotated_pixels: dict[str, int] = Field(default_factory=dict, description="Pixels painted, by class name.")
    history: list[Figures] = Field(default_factory=list, description="Validation curve: step and scores.")


class ModelCard(_Part):
    """Validated content of ``card.json``.

    A network with one output channel tells two classes apart: the sigmoid of its logit is the probability
    of class 1. With ``n`` output channels (n ≥ 2) the softmax gives the probabilities of classes 1 to n.
    """

    card_version: Literal[1] = 1
    name: Name
    title: str
    summary: str = Field(description="One line for lists and menus.")
    description: str = ""
    task: Literal["em", "document", "other"] = "other"
    network: str
    network_config: dict[str, Any]
    classes: list[ClassInfo]
    normalisation: Normalisation = Normalisation()
    pixel_size_nm: float | None = Field(None, gt=0, description="Of the training data.")
    threshold: float = Field(0.5, ge=0, le=1, description="Class 1 where its probability is above this.")
    halo: int = Field(ge=0, description="Pixels read around a tile; measured, not the theoretical radius.")
    weights_sha256: str | None = Field(pattern=r"^[0-9a-f]{64}$", description="None of a formula without weights.")
    training: TrainingRecord | None = None
    scores: list[Score] = Field(default_factory=list)
    licence: str
    citation: list[str] = Field(default_factory=list)
    parent: str | None = None

    @property
    def in_channels(self) -> int:
        """Channels of the image: 1 = grey, 3 = RGB."""
        return int(self.network_config.get("in_channels", 1))

    @property
    def out_channels(self) -> int:
        """Channels of the network's result."""
        return int(self.network_config.get("out_channels", 1))

    @property
    def has_weights(self) -> bool:
        """Whether there is anything that could learn; not in a formula, such as Otsu's threshold."""
        return self.weights_sha256 is not None

    @property
    def signature(self) -> str:
        """Name and the beginning of the weights' hash, as other cards call the model; the name until it is saved."""
        known = self.weights_sha256 not in (None, UNSAVED)
        return f"{self.name} ({str(self.weights_sha256)[:12]})" if known else self.name

    @property
    def is_untrained(self) -> bool:
        """Whether its weights are random: it has made no step, and no model that had made some is its parent."""
        made_no_step = self.training is not None and self.training.steps == 0
        return made_no_step and self.parent is None and self.has_weights

    @model_validator(mode="after")
    def _classes_fit(self) -> Self:
        wanted = 2 if self.out_channels == 1 else self.out_channels
        if [c.id for c in self.classes] != list(range(1, wanted + 1)):
            raise ValueError(f"classes must have the ids 1 to {wanted} in order ({self.out_channels} output channels)")
        return self

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        window = self.network_config.get("window")
        if self.normalisation.method == "wolf" and window != self.normalisation.window:
            raise ValueError(f"the window of the network ({window}) and of the normalisation must be the same")
        return self


def model_name(text: str) -> str:
    """Return a name that a card takes, made from any text: lower case, no accents, blanks or signs."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    name = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:80] or "model"
    # Windows has no files and folders of these names, whatever comes behind a dot.
    return f"model-{name}"[:80] if _DEVICE.match(name) else name


def read_card(path: Path) -> ModelCard:
    """Read and check a ``card.json``.

    Raises
    ------
    ModelCardError
        If the file is missing or is no valid card; the message says which field is wrong and how.
    ModelVersionError
        If it was written by a newer version of this package.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelCardError(f"{path}: there is no card.json, so this is no model folder") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelCardError(f"{path}: the card cannot be read as JSON ({error})") from error
    version = content.get("card_version") if isinstance(content, dict) else None
    if isinstance(version, int) and version > CARD_VERSION:
        raise ModelVersionError(
            f"{path}: the card has version {version}, this napari-unets reads up to {CARD_VERSION}; "
            "update with: pip install --upgrade napari-unets"
        )
    try:
        return ModelCard.model_validate(content)
    except ValidationError as error:
        raise ModelCardError(f"{path}: not a valid model card: {wrong_fields(error, 'card')}") from error
