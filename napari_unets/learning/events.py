"""What a training run tells while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

__all__ = ["FitEvent", "PreviewEvent", "StepEvent", "StoppedEvent", "ValidationEvent"]


@dataclass(frozen=True)
class StepEvent:
    """One optimiser step is done."""

    step: int
    done: float  #: share of the run, 0 to 1
    loss: float
    learning_rate: float
    seconds: float  #: since the start of the run, over all resumes


@dataclass(frozen=True)
class ValidationEvent:
    """The averaged weights were scored on the held-out pixels."""

    step: int
    scores: dict[str, float]
    kept: bool  #: whether these are the weights that the run would end with


@dataclass(frozen=True)
class PreviewEvent:
    """What ``preview`` made of the averaged weights."""

    step: int
    value: Any


@dataclass(frozen=True)
class StoppedEvent:
    """The run is over: ``finished``, or cancelled before its end."""

    step: int
    finished: bool
    seconds: float
    #: Step and scores of every validation, over all resumes.
    history: list[dict[str, float]] = field(default_factory=list)
    #: Step of the weights that were kept; None without validation.
    kept: int | None = None
    #: Whether it ended early since the loss was no number any more; the weights are those that were kept before.
    diverged: bool = False
    #: The weights that it began with, over all resumes, where ``settings.start_share`` asks for them.
    start_weights: dict[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def scores(self) -> dict[str, float]:
        """Scores of the weights that were kept; empty without validation."""
        found = next((scores for scores in self.history if scores["step"] == self.kept), {})
        return {name: value for name, value in found.items() if name != "step"}


FitEvent = StepEvent | ValidationEvent | PreviewEvent | StoppedEvent
