"""What is compared with what, in words: to be shown beside the scores."""

from __future__ import annotations

from napari_unets.metrics.evaluation import Evaluation

__all__ = ["rule_of_prediction", "rule_of_truth"]


def _names(evaluation: Evaluation) -> tuple[str, str]:
    """Name the truth's 0 (class 1) and its other values (class 2)."""
    if evaluation.settings.of_documents:
        return "ink", "paper"
    return ("background", "objects") if evaluation.of_objects else ("membrane", "cells")


def rule_of_truth(evaluation: Evaluation) -> str:
    """Say what counts as positive, and why.

    Parameters
    ----------
    evaluation : Evaluation
        Of a prediction and its truth.

    Returns
    -------
    str
        One or two sentences.
    """
    truth, positive = evaluation.truth, evaluation.positive
    background, foreground = _names(evaluation)
    if truth.form == "instances":
        return f"The truth has {truth.words}: each id is an object of its own."
    if truth.form == "classes":
        said = f"The truth has {truth.words}; its 0 is not annotated and left out."
        if positive is None:
            return f"{said} No class is positive: scores are means over the classes."
        return f"{said} Positive is class {positive}, {background if positive == 1 else foreground}."
    dark = "what is dark" if truth.level else "0"
    other = "what is light" if truth.level else (str(truth.values[0]) if truth.values else "what is not 0")
    if positive == 1:
        return f"Positive is {background}: {dark} in the truth ({truth.words}); {other} is {foreground}."
    return f"Positive are {foreground}: {other} in the truth ({truth.words}); {dark} is {background}."


def rule_of_prediction(evaluation: Evaluation) -> str:
    """Say what the numbers of the prediction are taken for.

    Parameters
    ----------
    evaluation : Evaluation
        Of a prediction and its truth.

    Returns
    -------
    str
        Part of a sentence, such as "probabilities of membrane (class 1); cells: 1 − p".
    """
    background, foreground = _names(evaluation)
    prediction = evaluation.prediction
    match prediction.form:
        case "probabilities" if evaluation.settings.probability_of == "background":
            return f"{prediction.words} of {background} (class 1); {foreground}: 1 − p"
        case "probabilities":
            return f"{prediction.words} of {foreground}"
        case "classes":
            rest = "2" if max(prediction.values, default=2) <= 2 else "the others"  # foreground, see planes.Pair
            return f"{prediction.words}: 1 is {background}, {rest} {foreground}"
        case "mask":
            return f"{prediction.words}: 0 is {background}, the other {foreground}"
    return prediction.words
