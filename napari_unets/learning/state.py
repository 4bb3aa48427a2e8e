"""Where a training run is: what it needs to go on exactly there, and which weights it would end with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from napari_unets.networks import Network

__all__ = ["Sampler", "TrainingState"]


class Sampler(Protocol):
    """Where batches come from.

    Attributes
    ----------
    generator : torch.Generator
        Its only source of chance, which belongs to a run's checkpoint.
    """

    generator: torch.Generator

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """Images ``(n, channels, h, w)`` and class ids ``(n, h, w)``, or an image of real numbers, 0 … 1, to make."""
        ...


@dataclass
class TrainingState:
    """All that a run needs to go on exactly where it was."""

    network: Network
    average: Network
    optimiser: torch.optim.Optimizer
    origin: Mapping[str, str] = field(default_factory=dict)  # see fit()
    excess: float = 0.0  # see fit()
    start_weights: dict[str, Tensor] = field(default_factory=dict)  # empty where nobody will ask for them
    step: int = 0
    seconds: float = 0.0
    start_score: float = -math.inf  # of the weights that the run began with
    best_score: float = -math.inf  # of all weights after them
    kept: int | None = None  # step of the weights below
    kept_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def judge(self, scores: Mapping[str, float], select: str, slack: float) -> bool:
        """Take the scores of the averaged weights into the history, and keep these if they are worth it.

        Parameters
        ----------
        scores : mapping of str to float
            On the held-out pixels; higher is better.
        select, slack
            See :func:`~napari_unets.learning.fit.fit`.

        Returns
        -------
        bool
            Whether these are now the weights that the run would end with.
        """
        self.history.append({"step": self.step, **scores})
        score = float(self.step) if select == "last" else scores[select]
        if math.isnan(score):  # no better than anything, and nothing is worse
            score = -math.inf
        kept = self.step == 0 or (score > self.start_score and score >= self.best_score - slack)
        if self.step == 0:
            self.start_score = score
        else:
            self.best_score = max(self.best_score, score)
        if kept:
            self.kept = self.step
            self.kept_weights = {k: v.detach().cpu().clone() for k, v in self.average.state_dict().items()}
        return kept
