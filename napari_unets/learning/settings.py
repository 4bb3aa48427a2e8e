"""Settings of a training run, checked when they are made."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_unets.errors import wrong_fields
from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.errors import FitSettingError

__all__ = ["FitSettings", "tuning_settings"]


class FitSettings(BaseModel):
    """How long, how fast and on what a network learns.

    With ``steps`` a run is a function of its seed and can be resumed exactly; with ``minutes`` the schedule
    follows the clock instead, so that a run ends when it should on any machine. ``epochs`` are a recipe's way to say
    steps: running it turns them into steps, once it is known how many samples there are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int | None = Field(None, ge=1, description="Optimiser steps; give this or minutes.")
    minutes: float | None = Field(None, gt=0, description="Time to train for; give this or steps.")
    epochs: int | None = Field(None, ge=1, description="Times that a recipe's samples are seen, instead of steps.")
    batch: int = Field(4, ge=1, description="Patches a step.")
    patch: int = Field(256, ge=16, le=4096, description="Side of a patch in pixels.")
    loss: str = Field("bce", description="bce, border, mse, dice, or a sum such as bce+dice.")
    optimiser: Literal["adamw", "adam", "sgd"] = Field("adamw", description="AdamW, Adam, or SGD with momentum.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak of the schedule.")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="How the rate goes on after the warm-up.")
    momentum: float = Field(0.9, gt=0, lt=1, description="Of SGD.")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's is decoupled from the gradient.")
    warm_up: float = Field(0.03, ge=0, lt=1, description="Share of the run over which the rate rises.")
    clip_norm: float = Field(1.0, ge=0, description="Largest norm of the gradient; 0 sets no limit.")
    ema: float = Field(0.998, ge=0, lt=1, description="Decay of the running average of the weights; 0 switches it off.")
    start_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the weights that fine-tuning begins with in those it ends with.",
    )
    freeze_batch_norm: bool = Field(False, description="Keep the batch-norm statistics that the network came with.")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each pixel that bce and border spread over all classes."
    )
    compile: bool = Field(
        False, description="Let torch.compile make the steps faster, after minutes of compiling; takes a C++ compiler."
    )
    precision: Literal["auto", "fp32", "bf16"] = Field("auto", description="bf16 where the hardware has it.")
    seed: int = Field(0, ge=0, lt=2**63, description="Same seed and steps, same weights on one CPU.")
    validate_every: int = Field(100, ge=1, description="Steps between validations; more where time is short.")
    checkpoint_every: int = Field(50, ge=1, description="Steps between checkpoints.")
    augment: AugmentSettings = Field(default_factory=AugmentSettings)

    @model_validator(mode="after")
    def _one_length(self) -> FitSettings:
        if sum(length is not None for length in (self.steps, self.minutes, self.epochs)) != 1:
            raise ValueError("give either steps or minutes (a recipe also: epochs)")
        return self


def tuning_settings(*, from_scratch: bool = False, **changes: Any) -> FitSettings:
    """Return settings that suit few annotations; ``changes`` replace single ones.

    For a trained model a lower rate, and the batch-norm statistics of the parent (a handful of patches of the same
    strokes would make them drift). For random weights label smoothing: a few strokes must not make a network certain.
    A slow warm-up: the first steps of a new optimiser are its wildest. Small patches: strokes are thin, and most of a
    large patch would teach nothing. Milder changes of scale: the user's stack has one pixel size. Faint spots: users
    stroke what they see well, and a membrane is wanted where it can hardly be seen, too. A quarter of
    what comes out is the parent, which has seen more than the strokes show, if it is of use for these images at all.

    Parameters
    ----------
    from_scratch : bool
        Whether the run begins with random weights.
    **changes
        Fields of :class:`FitSettings`; 300 steps if neither steps nor minutes are given.

    Returns
    -------
    FitSettings

    Raises
    ------
    FitSettingError
        If a setting does not exist, or cannot have this value.
    """
    defaults: dict[str, Any] = {
        "batch": 8,
        "patch": 128,
        "learning_rate": 3e-3 if from_scratch else 3e-4,
        "warm_up": 0.1,
        "freeze_batch_norm": not from_scratch,
        "label_smoothing": 0.1 if from_scratch else 0.0,
        "validate_every": 25,
        "ema": 0.99,
        "start_share": 0.0 if from_scratch else 0.25,
        "augment": {"log_scale": 0.1, "fading": 0.7},
    }
    if "steps" not in changes and "minutes" not in changes:
        defaults["steps"] = 300
    try:
        return FitSettings.model_validate(defaults | changes)
    except ValidationError as error:
        wrong = wrong_fields(error, "length")
        names = ", ".join(FitSettings.model_fields)
        raise FitSettingError(
            f"these settings of fine-tuning do not work: {wrong}. The settings are: {names}"
        ) from None
