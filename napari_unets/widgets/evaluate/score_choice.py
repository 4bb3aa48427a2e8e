"""Choose scores: check boxes in groups, preset for what the images show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from napari_unets.metrics.reading import Kind
from napari_unets.widgets.parts.fold import Fold

__all__ = ["PRESETS", "SCORE_NAMES", "ScoreChoice"]

PRESETS: dict[Kind, tuple[str, ...]] = {
    "em": ("v_rand", "v_info", "dice", "pixel_error"),
    "document": ("f_measure", "pseudo_f_measure", "psnr", "drd", "nrm"),
    "instances": ("dice", "ap50", "ap70", "ap90"),
}
"""The scores that are usual for each kind of images."""

SCORE_NAMES: dict[str, str] = {
    "v_rand": "V_rand",
    "v_info": "V_info",
    "dice": "Dice",
    "jaccard": "Jaccard",
    "pixel_error": "pixel error",
    "precision": "precision",
    "recall": "recall",
    "ap50": "AP 0.5",
    "ap70": "AP 0.7",
    "ap90": "AP 0.9",
    "f_measure": "F-measure",
    "pseudo_f_measure": "pseudo-F",
    "psnr": "PSNR",
    "drd": "DRD",
    "nrm": "NRM",
}
"""What scores are called in the window."""

_GROUPS: dict[str, tuple[str, ...]] = {
    "Segments": ("v_rand", "v_info"),
    "Pixels": ("dice", "jaccard", "pixel_error", "precision", "recall"),
    "Objects": ("ap50", "ap70", "ap90"),
    "Pages": PRESETS["document"],
}
_COLUMNS = 2  # of three the widget would be half as wide again
_MOST_NAMED = 4  # in the title; one more takes no more room than saying so
_TIPS = {
    "v_rand": "Are the same pixels together? After border thinning; 1 is perfect",
    "v_info": "The same question, asked of information; 1 is perfect",
    "dice": "Overlap of what is positive, 2 TP / (2 TP + FP + FN)",
    "jaccard": "Overlap of what is positive, TP / (TP + FP + FN)",
    "pixel_error": "Share of the pixels that are wrong; 0 is perfect",
    "precision": "How much of what was found is right",
    "recall": "How much of what is there was found",
    "ap50": "Objects that were found, at an overlap of at least 0.5",
    "ap70": "Objects that were found, at an overlap of at least 0.7",
    "ap90": "Objects that were found, at an overlap of at least 0.9",
    "f_measure": "Harmonic mean of precision and recall of ink, in percent",
    "pseudo_f_measure": "The same, with strokes weighted by their width, in percent",
    "psnr": "Peak signal to noise ratio, dB; more is better",
    "drd": "Distance reciprocal distortion; less is better",
    "nrm": "Negative rate metric; less is better",
}


class ScoreChoice(Fold):
    """Folded check boxes; the title says what is chosen."""

    #: Other scores are chosen than before.
    scores_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self.boxes: dict[str, QCheckBox] = {}
        inside = QWidget()
        super().__init__("", inside, parent)
        self._chosen_by_hand = False
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        for group, metrics in _GROUPS.items():
            row = grid.rowCount()
            grid.addWidget(QLabel(group), row, 0)
            for i, metric in enumerate(metrics):
                box = QCheckBox(SCORE_NAMES[metric])
                box.setToolTip(_TIPS[metric])
                box.clicked.connect(self._clicked)
                self.boxes[metric] = box
                grid.addWidget(box, row + i // _COLUMNS, 1 + i % _COLUMNS)
        grid.setColumnStretch(_COLUMNS + 1, 1)
        self.preset(get_args(Kind)[0])

    @property
    def metrics(self) -> tuple[str, ...]:
        """The chosen scores, as `evaluate` calls them."""
        return tuple(metric for metric, box in self.boxes.items() if box.isChecked())

    def preset(self, kind: Kind, *, forget: bool = False) -> None:
        """Choose what is usual for a kind of images, unless somebody has chosen by hand.

        Parameters
        ----------
        kind : {"em", "document", "instances"}
            What the images show.
        forget : bool
            Do it in any case: the kind itself was chosen by hand.
        """
        if forget:
            self._chosen_by_hand = False
        if not self._chosen_by_hand:
            self.choose(PRESETS[kind])

    def choose(self, metrics: Sequence[str]) -> None:
        """Check these and no others."""
        before = self.metrics
        for metric, box in self.boxes.items():
            box.setChecked(metric in metrics)
        self._tell()
        if self.metrics != before:
            self.scores_changed.emit()

    def _clicked(self) -> None:
        self._chosen_by_hand = True
        self._tell()
        self.scores_changed.emit()

    def _tell(self) -> None:
        names = [SCORE_NAMES[metric] for metric in self.metrics]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED + 1 else ""
        self.rename(", ".join(names[:_MOST_NAMED] if more else names) + more or "no score is chosen")
        self.toggleButton().setToolTip(", ".join(names))
