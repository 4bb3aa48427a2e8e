"""How a fine-tuning ended, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_unets.widgets.parts.notes import Mood, time_in_words

if TYPE_CHECKING:
    from napari_unets.jobs.tasks.tuning import TuningSummary

__all__ = ["mood_of", "tuning_in_words"]


def tuning_in_words(summary: TuningSummary, *, all_shown: bool) -> str:
    """Say how far a run came, how good that is, whether all of it is seen, and what to do next."""
    unseen = "" if all_shown else " Slices that were not looked at meanwhile have no preview of it."
    scores = summary.card.scores[0].values if summary.card.scores else {}
    dice = f"; Dice {scores['dice']:.3f} on annotations kept aside" if "dice" in scores else ""
    steps = f"{summary.step} steps in {time_in_words(summary.seconds)}{dice}"
    begun = steps if summary.finished else f"Stopped after {steps}"
    if summary.diverged:
        begun = f"Came apart after {steps}: its loss was no number any more. Learn again with a lower rate"
    history = summary.card.training.history if summary.card.training else []
    if history and max(history, key=lambda scores: scores["dice"])["step"] == 0:
        more = "" if summary.diverged else ": paint more, or learn for longer"
        return f"{begun}. Nothing learnt was better than the parent, which is kept{more}."
    if summary.finished and not summary.diverged:
        return f"{begun}. Look at it, paint on, or save it.{unseen}"
    return f"{begun}. {'The best' if history else 'What it has learnt'} is kept.{unseen}"


def mood_of(summary: TuningSummary) -> Mood:
    """Colour of these words."""
    if summary.diverged:
        return "warning"
    return "good" if summary.finished else "plain"
