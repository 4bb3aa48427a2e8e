"""Settings of a training run, checked when they are made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_unets.learning.augment import AugmentSettings

__all__ = ["FitSettings"]


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
    patch: int = Field(256, ge=16, description="Side of a patch in pixels.")
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
    seed: int = Field(0, ge=0, description="Same seed and steps, same weights on one CPU.")
    validate_every: int = Field(100, ge=1, description="Steps between validations; more where time is short.")
    checkpoint_every: int = Field(50, ge=1, description="Steps between checkpoints.")
    augment: AugmentSettings = Field(default_factory=AugmentSettings)

    @model_validator(mode="after")
    def _one_length(self) -> FitSettings:
        if sum(length is not None for length in (self.steps, self.minutes, self.epochs)) != 1:
            raise ValueError("give either steps or minutes (a recipe also: epochs)")
        return self
