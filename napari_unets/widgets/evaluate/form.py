"""What to compare: truth, predictions, what the images show, and which scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLabel, QSizePolicy, QWidget

from napari_unets.metrics import Evaluation
from napari_unets.metrics.reading import Kind
from napari_unets.metrics.rule import rule_of_prediction, rule_of_truth
from napari_unets.widgets.evaluate.layer_checks import LayerChecks
from napari_unets.widgets.evaluate.layers import (
    can_be_prediction,
    can_be_truth,
    candidate_of,
    is_whole_result,
    layer_array,
    likely_truth,
    page_sizes,
)
from napari_unets.widgets.evaluate.run import EvaluateRequest
from napari_unets.widgets.evaluate.score_choice import ScoreChoice
from napari_unets.widgets.parts.layer_choice import LayerChoice
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.result_layers import is_no_result
from napari_unets.widgets.parts.short_names import short_names
from napari_unets.widgets.parts.world import begin_alike

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["EvaluateForm"]

_KINDS: dict[Kind | None, str] = {
    None: "automatic",
    "em": "cells and membranes",
    "instances": "objects with ids",
    "document": "pages, ink on paper",
}

#: What probabilities can be of, and what `evaluate` calls it; of those that this package makes it is known.
_PROBABILITIES_OF = {
    "what the truth marks: cells, paper": "foreground",
    "the background: membrane, ink": "background",
}


class EvaluateForm(QWidget):
    """Form of an :class:`EvaluateRequest`.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers to choose from.
    """

    #: Something else is chosen than before.
    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._truth_by_hand = False
        self.truth = LayerChoice(viewer, can_be_truth, "no labels layer yet", unasked=is_no_result)
        self.predictions = LayerChecks(viewer, can_be_prediction, is_whole_result)
        self.kind = QComboBox()
        self.kind.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.kind.setToolTip("It decides what is positive, and which scores are usual")
        for kind, words in _KINDS.items():
            self.kind.addItem(words, kind)
        self.probability_of = QComboBox()
        self.probability_of.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.probability_of.setToolTip("What the probabilities that another program has made are high for")
        for words, name in _PROBABILITIES_OF.items():
            self.probability_of.addItem(words, name)
        self.rule = Note()
        self.scores = ScoreChoice()
        self._lay_out()
        viewer.layers.events.inserted.connect(self._guess_truth)
        self.truth.activated.connect(self._chose_truth)
        self.truth.layer_changed.connect(self._new_truth)
        self.predictions.layers_changed.connect(self._new_predictions)
        self.probability_of.currentIndexChanged.connect(self.changed)
        self.kind.currentIndexChanged.connect(self._new_kind)
        self.scores.scores_changed.connect(self.changed)
        self._guess_truth()
        self.predictions.leave_out(self.truth.layer)
        self._ask_for_probability()

    def request(self) -> EvaluateRequest | None:
        """Return what is chosen; None while a truth, a prediction or a score is missing."""
        truth, layers, metrics = self.truth.layer, self.predictions.layers, self.scores.metrics
        if truth is None or self.missing():
            return None
        candidates = [candidate_of(layer) for layer in layers]
        kind = self.kind.currentData() or next((c.options["kind"] for c in candidates if "kind" in c.options), None)
        settings: dict[str, Any] = {"metrics": metrics} | ({"kind": kind} if kind else {})
        if sizes := next((sizes for layer in (truth, *layers) if (sizes := page_sizes(layer))), None):
            settings["page_sizes"] = sizes
        if self.probability_of.currentIndex():  # the first is what is taken anyway, and may be doubted
            settings["probability_of"] = self.probability_of.currentData()
        bare = [replace(c, options={k: v for k, v in c.options.items() if k != "kind"}) for c in candidates]
        return EvaluateRequest(bare, layer_array(truth), truth.name, settings)

    def missing(self) -> str:
        """Say what has to be chosen first; empty if there is nothing."""
        if self.truth.layer is None:
            return "Open a ground truth first: a labels layer, or an image of whole numbers."
        if not self.predictions.layers:
            return "Check at least one prediction: a segmentation or probabilities."
        if not self.scores.metrics:
            return "Choose at least one score."
        return next((said for layer in self.predictions.layers if (said := _differ(self.truth.layer, layer))), "")

    def show_reading(self, request: EvaluateRequest, found: Sequence[Evaluation | str]) -> None:
        """Say what was taken for what; choose the usual scores if the kind is left to us."""
        lines = []
        evaluations = [one for one in found if isinstance(one, Evaluation)]
        if evaluations:
            lines.append(f"{escape(rule_of_truth(evaluations[0]))} {escape(self._why(request, evaluations[0]))}")
        names = short_names([candidate.name for candidate in request.candidates])
        for name, one in zip(names, found, strict=True):
            said = one if isinstance(one, str) else f"{rule_of_prediction(one)}."
            lines.append(f"<b>{escape(name or 'Prediction')}</b>: {escape(said)}")
        if elsewhere := self._elsewhere():
            lines.append(escape(elsewhere))
        good = len(evaluations) == len(found) and not elsewhere
        self.rule.say("<br>".join(lines), "plain" if good else "warning", rich=True)
        if evaluations and self.kind.currentData() is None:
            self.scores.preset(_kind_of(request, evaluations))

    def _elsewhere(self) -> str:
        """Say which predictions are compared with other pixels than those that they are seen on; empty if none is."""
        truth = self.truth.layer
        layers = self.predictions.layers if truth is not None else []
        apart = [layer.name for layer in layers if truth is not None and not begin_alike(self._viewer, truth, layer)]
        if truth is None or not apart:
            return ""
        return (
            f"Not where {truth.name} begins: {', '.join(apart)}. Pixels of the same indices are compared, "
            "not those that lie on each other."
        )

    def _why(self, request: EvaluateRequest, evaluation: Evaluation) -> str:
        if self.kind.currentData() is not None:
            return f"You have chosen “{self.kind.currentText()}”."
        if request.settings.get("kind") == "document":
            return "The model knows ink, so these are pages."
        if evaluation.settings.of_documents:
            return "Scores of pages are chosen, so ink is what counts."
        if evaluation.truth.form == "mask" and not evaluation.of_objects:
            return "Of pages the dark ink counts: choose so above."
        return ""

    def _lay_out(self) -> None:
        self._probability_label = QLabel("Probability of")
        form = QFormLayout(self)
        form.setVerticalSpacing(8)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Truth", self.truth)
        form.addRow("Predictions", self.predictions)
        form.addRow("They show", self.kind)
        form.addRow(self._probability_label, self.probability_of)
        form.addRow("Scores", self.scores)
        form.addRow(self.rule)

    def _guess_truth(self, _event: object = None) -> None:
        likely = likely_truth(self._viewer.layers)
        if not self._truth_by_hand and likely is not None:
            self.truth.choose(likely)

    def _chose_truth(self, _index: int) -> None:
        self._truth_by_hand = True

    def _new_truth(self, layer: Layer | None) -> None:
        self.predictions.leave_out(layer)
        self.changed.emit()

    def _new_predictions(self) -> None:
        self._ask_for_probability()
        self.changed.emit()

    def _ask_for_probability(self) -> None:
        """Offer to say what probabilities are of while there may be some of which it is not known."""
        unknown = any(isinstance(layer, Image) and is_no_result(layer) for layer in self.predictions.layers)
        self._probability_label.setVisible(unknown)
        self.probability_of.setVisible(unknown)
        if not unknown:
            self.probability_of.setCurrentIndex(0)

    def _new_kind(self, _index: int) -> None:
        if (kind := self.kind.currentData()) is not None:
            self.scores.preset(kind, forget=True)
        self.changed.emit()


def _differ(truth: Layer, layer: Layer) -> str:
    """Say which page of a prediction is not as large as that of the truth; empty if all are."""
    sizes, wanted = page_sizes(layer), page_sizes(truth)
    if sizes is None or wanted is None or sizes == wanted:
        return ""
    if len(sizes) != len(wanted):
        return (
            f"{layer.name} has {len(sizes)} pages, {truth.name} has {len(wanted)}. Open the pages that belong together."
        )
    number = next(i for i, (size, other) in enumerate(zip(sizes, wanted, strict=True)) if size != other)
    (height, width), (high, wide) = sizes[number], wanted[number]
    return (
        f"Page {number + 1} of {layer.name} has {width} × {height} pixels, that of {truth.name} {wide} × {high}. "
        "Pages are compared in their order: check it, and the resolution."
    )


def _kind_of(request: EvaluateRequest, evaluations: Sequence[Evaluation]) -> Kind:
    """Guess what the images show."""
    if request.settings.get("kind") == "document":
        return "document"
    return "instances" if any(one.truth.form == "instances" for one in evaluations) else "em"
