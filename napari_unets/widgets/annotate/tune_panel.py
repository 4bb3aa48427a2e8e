"""The lower half of the Annotate & fine-tune widget: how long, run, curves, and what becomes of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_unets.widgets.annotate.tune_curves import TuneCurves
from napari_unets.widgets.parts.fold import Fold
from napari_unets.widgets.parts.notes import Note, time_in_words
from napari_unets.widgets.parts.run_panel import RunPanel
from napari_unets.widgets.parts.settings_form import SettingsForm

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unets.jobs.tasks.tuning import TuningStep
    from napari_unets.learning import Preflight
    from napari_unets.widgets.annotate.tune_run import TuneRun

__all__ = ["LearningSettings", "TunePanel"]

_LABELS = {"rate": "Learning rate (10⁻⁴)", "patch": "Patch (px)", "batch": "Patches a step"}
#: A crash costs at most the steps since the last checkpoint.
_CHECKPOINT_EVERY = 10
#: With fewer steps than these, strokes change little.
_FEW_STEPS = 100


class LearningSettings(BaseModel):
    """How a model learns from annotations.

    Attributes
    ----------
    rate : float or None
        Learning rate in units of 0.0001; too large a rate forgets what the parent knew. Left empty: 3, and 30 for a
        model that has learnt nothing yet.
    patch : int
        Side of the patches that are learnt from, in pixels.
    batch : int
        Patches a step.
    validate_every : int
        Steps between two looks at the annotations that were kept aside.
    seed : int
        Another seed, other patches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: Annotated[float, Field(ge=0.05, le=1000)] | None = None
    patch: Annotated[int, Field(ge=16, le=1024)] = 128
    batch: Annotated[int, Field(ge=1, le=64)] = 8
    validate_every: Annotated[int, Field(ge=1, le=10_000)] = 25
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0


class TunePanel(QWidget):
    """Fields, buttons, curves and messages; it starts nothing itself."""

    #: How long to learn, or on how much at once, was changed.
    length_changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preflight = Note()
        self.length = QDoubleSpinBox()
        self.length.setDecimals(0)
        self.length.setRange(1, 100_000)
        self.unit = QComboBox()
        self.unit.addItems(["minutes", "steps"])
        self.run_panel = RunPanel("Fine-tune", "steps")
        self.curves = TuneCurves(viewer)
        self.curves.hide()
        self.resume = QPushButton("Resume")
        self.resume.setToolTip("Go on with the run that was stopped or interrupted")
        self.revert = QPushButton("Revert to parent")
        self.revert.setToolTip("Forget what was learnt since the model that is chosen above")
        self.name = QLineEdit()
        self.name.setPlaceholderText("name of the tuned model")
        self.save = QPushButton("Save model")
        self.saved = Note()
        self.form = SettingsForm(LearningSettings, labels=_LABELS)
        self._lay_out()
        self.unit.currentTextChanged.connect(self._suit_unit)
        self.length.setValue(3)
        self.length.valueChanged.connect(lambda _value: self.length_changed.emit())
        self.unit.currentTextChanged.connect(lambda _text: self.length_changed.emit())
        for name in ("patch", "batch"):
            self.form[name].changed.connect(lambda _value: self.length_changed.emit())

    def _lay_out(self) -> None:
        length = QHBoxLayout()
        length.addWidget(QLabel("Learn for"))
        length.addWidget(self.length, 1)
        length.addWidget(self.unit, 1)
        after = QHBoxLayout()
        after.addWidget(self.resume, 1)
        after.addWidget(self.revert, 1)
        keep = QHBoxLayout()
        keep.addWidget(self.name, 2)
        keep.addWidget(self.save, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.preflight)
        layout.addLayout(length)
        layout.addWidget(self.run_panel)
        layout.addWidget(self.curves)
        layout.addLayout(after)
        layout.addLayout(keep)
        layout.addWidget(self.saved)
        settings = QWidget()
        form = QFormLayout(settings)
        form.setContentsMargins(0, 0, 0, 0)
        self.form.add_rows(form)
        layout.addWidget(Fold("Advanced settings", settings))

    def settings(self) -> dict[str, Any]:
        """Return the changes of the fine-tuning's settings that the user wants."""
        amount = self.length.value()
        length = {"steps": int(amount)} if self.unit.currentText() == "steps" else {"minutes": amount}
        chosen = self.form.value().model_dump()
        rate = chosen.pop("rate")
        if rate is not None:
            chosen["learning_rate"] = rate * 1e-4
        return {**chosen, **length, "checkpoint_every": _CHECKPOINT_EVERY}

    @property
    def step_size(self) -> dict[str, int]:
        """Side of a patch in pixels, and patches a step, as ``patch`` and ``batch``."""
        chosen = self.form.changes()
        return {name: int(chosen[name]) for name in ("patch", "batch")}

    def show_preflight(self, report: Preflight | None, error: str = "", step_seconds: float | None = None) -> None:
        """Say what would be learnt from, how long that takes if that is known, and what is wrong with it."""
        if report is None:
            self.preflight.say(error, "warning" if error else "plain")
        elif report.problems:
            self.preflight.say("\n".join(report.problems), "warning")
        else:
            lines = ["Ready to learn from " + "; ".join(report.uses), self._cost(step_seconds), *report.warnings]
            self.preflight.say("\n".join(lines))

    def _cost(self, step_seconds: float | None) -> str:
        size = self.step_size
        step = f"A step takes {size['batch']} patch{'es' * (size['batch'] > 1)} of {size['patch']} pixels"
        if step_seconds is None:
            return step
        amount = self.length.value()
        if self.unit.currentText() == "steps":
            whole = f"{amount:.0f} steps about {time_in_words(amount * step_seconds)}"
            return f"{step} and about {step_seconds:.2g} s here: {whole}"
        steps = max(1, round(60 * amount / step_seconds))
        few = ", which is few: learn for longer, or begin with a smaller model" if steps < _FEW_STEPS else ""
        return f"{step} and about {step_seconds:.2g} s here: about {steps} in {amount:g} min{few}"

    def show_progress(self, run: TuneRun) -> None:
        """Show how far a run is, its loss and its scores."""
        if run.last is not None:
            step: TuningStep = run.last
            left = step.seconds / step.done * (1 - step.done) if step.done else 0.0
            self.run_panel.fill(step.done)
            ahead = f" · about {time_in_words(left)} left" if step.done < 1 else " · looking what to keep, saving …"
            self.run_panel.say(f"Step {step.step} · loss {step.loss:.3f}{ahead}")
            self.curves.show()
            self.curves.draw(run.losses, run.scores, run.kept)

    def _suit_unit(self, unit: str) -> None:
        self.length.setValue(300 if unit == "steps" else 3)
