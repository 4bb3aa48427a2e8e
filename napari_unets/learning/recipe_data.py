"""What a recipe says about the data that it learns from."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from napari_unets.learning.datasets import LayoutName
from napari_unets.learning.operators import Operator
from napari_unets.learning.page_augment import PageAugmentSettings
from napari_unets.learning.photographs import PhotographAugmentSettings

__all__ = ["DataRecipe", "PagesRecipe", "PhotographsRecipe", "PicturesRecipe", "RecipePart", "StackRecipe"]

Share = Annotated[float, Field(gt=0, lt=1)]


def _upwards(planes: str) -> str:
    first, last = map(int, planes.split("-"))
    if first > last:
        raise ValueError(f"the range {planes} holds no plane; it begins with the lower number: {last}-{first}")
    return planes


Plane = Annotated[int, Field(ge=0)]
PlaneRange = Annotated[str, StringConstraints(pattern=r"^\d+-\d+$"), AfterValidator(_upwards)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
#: Class id of each value in the labels: a number, a colour, or "other" for all that are not named.
Classes = dict[int | Literal["other"] | Colour, int]


class RecipePart(BaseModel):
    """A table of a recipe: it takes no other keys, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Drawn(RecipePart):
    """How patches are drawn from planes or pictures that are wholly in memory."""

    draw: Literal["random", "in-turn"] = Field(
        "random", description="Warped patches from anywhere, or each plane once an epoch, unwarped."
    )
    eightfold: bool = Field(False, description="In turn: each plane counts eight times, mirrored and rotated.")

    @model_validator(mode="after")
    def _eight_in_turn(self) -> _Drawn:
        if self.eightfold and self.draw != "in-turn":
            raise ValueError('eightfold goes with draw = "in-turn"; random patches are rotated by fit.augment')
        return self


class StackRecipe(_Drawn):
    """Planes of one stack, or of several of one size; paths are relative to the data folder that the command names."""

    kind: Literal["stack"] = "stack"
    layout: LayoutName | None = Field(None, description="A dataset as it is published, instead of images and labels.")
    images: str | list[str] = Field("", description="A stack, or a folder of images; or several stacks.")
    labels: str | list[str] = Field("", description="Their annotations, of the same shape.")
    classes: Classes = Field(description="Class id of each value in the labels; 0 and others: not annotated.")
    validation: Share | list[Plane | PlaneRange] = Field(
        default_factory=list,
        description="Planes (from 0, through all stacks; 270-338 is a range) that training never sees, "
        "or their share, which is then taken from the end.",
    )
    resize: int | None = Field(None, ge=16, description="Side in pixels that planes and labels are brought to.")

    @model_validator(mode="after")
    def _one_source(self) -> StackRecipe:
        named = [bool(self.images), bool(self.labels)]
        if named != [self.layout is None] * 2:
            raise ValueError("give images and labels, or a layout")
        if len(self.stacks_of("images")) != len(self.stacks_of("labels")):
            raise ValueError("there must be as many labels as images")
        return self

    def stacks_of(self, what: Literal["images", "labels"]) -> list[str]:
        """Paths of the images or of the labels, as a list also where there is but one."""
        value: str | list[str] = getattr(self, what)
        return [value] if isinstance(value, str) else value


class PagesRecipe(RecipePart):
    """Pages of any size, each with its truth; patterns are relative to the data folder that the command names."""

    kind: Literal["pages"]
    images: str = Field(description="Such as */*_source.png; a star stands for any part of one name.")
    labels: str = Field(description="Such as */*_target.png, with the stars in the same order.")
    classes: dict[int, int] = Field(description="Class id of each value in the labels; 1 is ink, 2 is paper.")
    validation: list[str] = Field(
        default_factory=list, description="Patterns, such as 2016/*, of pages that training never sees."
    )
    augment: PageAugmentSettings = Field(default_factory=PageAugmentSettings)


class PicturesRecipe(_Drawn):
    """Pictures that show things of class 1 before all else, each with its truth; patterns as for pages."""

    kind: Literal["pictures"]
    images: str = Field(description="Such as image/*_*.png; a star stands for any part of one name.")
    labels: str = Field(description="Such as truth/*_road_*.png, with the stars in the same order.")
    classes: Classes = Field(description="Class id of each value or colour in the labels; others: not annotated.")
    validation: int = Field(0, ge=0, description="How many pictures, evenly spread, training never sees.")
    resize: tuple[int, int] | None = Field(None, description="Height and width that pictures are brought to.")


class PhotographsRecipe(RecipePart):
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
    | Annotated[PicturesRecipe, Tag("pictures")]
    | Annotated[PhotographsRecipe, Tag("photographs")],
    Discriminator(_kind),
]
