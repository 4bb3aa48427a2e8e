"""Annotate & fine-tune widget: paint, learn, look, repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from qtpy.QtWidgets import QFileDialog, QFormLayout, QInputDialog

from napari_unets.errors import NapariUnetsError
from napari_unets.learning import NothingToTrainError
from napari_unets.models import ModelStore
from napari_unets.models.advice import QUICK_TO_TUNE
from napari_unets.models.classes import new_class
from napari_unets.widgets.annotate.actions import AnnotateActions
from napari_unets.widgets.annotate.annotation_layer import (
    can_be_annotations,
    is_annotations,
    note_painted,
    painted_for,
    painted_on,
)
from napari_unets.widgets.annotate.annotation_session import AnnotationSession
from napari_unets.widgets.annotate.preflight_check import PreflightCheck
from napari_unets.widgets.annotate.step_clock import StepClock
from napari_unets.widgets.annotate.tools import AnnotateTools, RestoreOffer
from napari_unets.widgets.annotate.tune_control import TuneControl
from napari_unets.widgets.annotate.tune_panel import TunePanel
from napari_unets.widgets.files.writers import write_labels
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.image_source import image_source, likely_task
from napari_unets.widgets.parts.layer_choice import LayerChoice
from napari_unets.widgets.parts.model_choice import ModelChoice
from napari_unets.widgets.parts.new_model import NewModelButton
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.result_layers import is_result
from napari_unets.widgets.parts.session import shared_worker
from napari_unets.widgets.parts.warm_up import warm_up
from napari_unets.widgets.parts.world import lie_alike

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

    from napari_unets.learning import Preflight

__all__ = ["AnnotateWidget"]

_FILTERS = {"TIFF (*.tif)": ".tif", "OME-Zarr (*.ome.zarr)": ".ome.zarr"}
_SUFFIXES = (".tif", ".tiff", ".zarr", ".png")


class AnnotateWidget(Panel):
    """Paint on an image where a model is wrong, and let it learn from that.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to choose from, and which gets the annotations and the previews.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        store = ModelStore()
        self.image = LayerChoice(napari_viewer, _can_be_painted_on, "no image layer yet")
        self.model = ModelChoice(store)
        self.new_model = NewModelButton()
        self.elsewhere = Note()
        self.annotations = LayerChoice(napari_viewer, can_be_annotations, "no annotations yet", unasked=is_annotations)
        self.tools = AnnotateTools()
        self.offer = RestoreOffer()
        self.panel = TunePanel(napari_viewer)
        self.session = AnnotationSession(napari_viewer)
        self.helper = AnnotateActions(napari_viewer)
        self.control = TuneControl(napari_viewer, self.panel, self.session, store)
        self.check = PreflightCheck()
        self.clock = StepClock()
        self._report: tuple[Preflight | None, str] = (None, "")
        self._lay_out()
        self._go_on()
        self._connect()
        warm_up()
        shared_worker()
        self._choose_image()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Image", self.image)
        self.model.put_beside(self.new_model)
        form.addRow("Model", self.model)
        form.addRow("Paint on", self.annotations)
        form.addRow(self.elsewhere)
        self.column.addLayout(form)
        for part in (self.offer, self.tools, self.panel):
            self.column.addWidget(part)

    def _connect(self) -> None:
        self.image.layer_changed.connect(self._choose_image)
        self.model.model_changed.connect(self._choose_model)
        self.new_model.made.connect(self.model.choose)
        self.new_model.failed.connect(self._action_failed)
        self.annotations.layer_changed.connect(self._choose_annotations)
        self.session.changed.connect(self._describe)
        self.session.not_saved.connect(self._tell_not_saved)
        self.check.checked.connect(self._take_report)
        self.clock.answered.connect(self._show_preflight)
        self.panel.length_changed.connect(self._show_preflight)
        tools = self.tools
        tools.new.clicked.connect(self._new_annotations)
        tools.add_class.clicked.connect(self._ask_for_class)
        tools.from_prediction.clicked.connect(self._from_prediction)
        tools.export.clicked.connect(self._export)
        tools.stop.clicked.connect(self.helper.cancel)
        tools.suggest_slice.clicked.connect(lambda: self._suggest(spot=False))
        tools.suggest_spot.clicked.connect(lambda: self._suggest(spot=True))
        self.offer.restore.clicked.connect(self._restore)
        self.offer.discard.clicked.connect(self._discard)
        self.helper.progressed.connect(tools.message.say)
        self.helper.ended.connect(self._action_ended)
        self.helper.failed.connect(self._action_failed)
        self.control.changed.connect(self._follow_control)
        self.control.failed.connect(self.model.refill)
        self.control.failed.connect(announce)
        self.when_closed(self.helper.cancel, self.clock.cancel, self.control.close, self.session.close)

    def _go_on(self) -> None:
        """Begin with the image that the annotations in hand are painted on, unless another image is selected."""
        image = painted_on(self.annotations.layer)
        if image is not None and self.image.layer is not self._viewer.layers.selection.active:
            self.image.choose(image)

    @property
    def _image(self) -> Image | None:
        layer = self.image.layer
        return layer if isinstance(layer, Image) else None

    @property
    def _painted(self) -> Labels | None:
        """The chosen annotations, if they lie on the chosen image."""
        layer, image = self.annotations.layer, self._image
        if isinstance(layer, Labels) and image is not None and layer.data.shape == image_source(image).shape:
            return layer
        return None

    def _model(self) -> str | None:
        """Folder of the model; if it is gone, say so and take another one, as the list then does."""
        try:
            return self.control.model
        except NapariUnetsError as error:
            self.model.refill()
            self._action_failed(error)
            return None

    def _choose_image(self, _: object = None) -> None:
        image = self._image
        if image is not None and self.control.tuned is None and not self.control.is_running:
            task = likely_task(image)
            self.model.suggest(task, painted_for(self._painted) or QUICK_TO_TUNE.get(task, ""))
        self._choose_annotations()
        self._offer()

    def _choose_model(self, _: object = None) -> None:
        if not self.control.is_running:  # one that was renamed or removed meanwhile is looked after at the end
            self.control.choose(self.model.name, self.model.card)
            self._choose_annotations()

    def _follow_control(self) -> None:
        if not self.control.is_running and self.control.name not in ("", self.model.name):
            self._choose_model()
        self._enable()

    def _choose_annotations(self, _: object = None) -> None:
        if self.control.card is None and self.model.card is not None:
            self.control.choose(self.model.name, self.model.card)
        card = self.control.card
        self.session.choose(self._painted, self._image, card.classes if card is not None else [])
        if self._painted is not None and self._image is not None:
            note_painted(self._painted, self._image, self.model.name)
        else:  # its layer may just have been removed
            self._offer()

    def _offer(self) -> None:
        image = self._image
        self.offer.offer(self.session.left_behind(image) if image is not None else None)

    def _describe(self) -> None:
        record, image = self.session.record, self._image
        self._tell_elsewhere()
        if record is None or image is None:
            wrong = self.annotations.layer is not None and image is not None
            self.tools.counts.say("These labels have another shape than the image." if wrong else "", "warning")
            hint = "Make new annotations and paint some pixels of each class."
            self._take_report(None, hint if image is not None else "")
        else:
            self.tools.show_counts(record.counts, self.session.classes, image_source(image).shape[:-2])
            if record.is_known:
                self.check.ask(image, record.snapshot(), self.session.classes)
            else:
                self._take_report(None, f"Looking through {record.layer.name} …")
        self._enable()

    def _tell_elsewhere(self) -> None:
        """Say that strokes count for other pixels than those that they are seen on, where that is so."""
        layer, image = self._painted, self._image
        apart = (
            layer is not None
            and image is not None
            and not lie_alike(self._viewer, layer, image, image_source(image).shape)
        )
        said = "These labels lie elsewhere than the image: what is painted counts for the pixel of the same indices."
        self.elsewhere.say(said if apart else "", "warning")

    def _take_report(self, report: Preflight | None, error: str) -> None:
        self._report = report, error
        self._show_preflight()

    def _show_preflight(self) -> None:
        report, error = self._report
        card, seconds = self.control.card, None
        if card is not None and not card.has_weights:
            report, error = None, str(NothingToTrainError(card.name))
        elif card is not None and report is not None and not report.problems:
            model = self._model()
            seconds = None if model is None else self.clock.seconds(model, **self.panel.step_size)
        self.panel.show_preflight(report, error, seconds)

    def _enable(self) -> None:
        image, card = self._image, self.model.card
        idle = not self.helper.is_busy and not self.control.is_running
        self.tools.stop.setVisible(self.helper.is_busy)
        painted, record = self._painted is not None, self.session.record
        idle = idle and record is not None and record.is_known  # what is not known would be read now, and here
        self.tools.enable(new=image is not None and card is not None, paint=painted, model=idle and card is not None)
        can_learn = card is not None and card.has_weights
        self.control.enable(ready=painted and can_learn and idle, image=image)
        self.model.setEnabled(not self.control.is_running)

    def _new_annotations(self) -> None:
        image, card = self._image, self.control.card
        if image is not None and card is not None:
            self.annotations.choose(self.session.new(image, card.classes))

    def _ask_for_class(self) -> None:
        name, ok = QInputDialog.getText(self, "Add class", "Name of the class")
        if ok and name.strip():
            try:
                self.add_class(name)
            except NapariUnetsError as error:
                announce(error)

    def add_class(self, name: str) -> None:
        """Add a class that the model does not know; fine-tuning makes a model that does."""
        self.session.add_class(new_class(self.session.classes, name))

    def _from_prediction(self) -> None:
        image, layer, model = self._image, self._painted, self._model()
        if image is not None and layer is not None and model is not None:
            self.helper.from_prediction(image, layer, model)
            self._enable()

    def _suggest(self, *, spot: bool) -> None:
        image, record, model = self._image, self.session.record, self._model()
        if image is not None and record is not None and model is not None:
            self.helper.suggest(image, record.snapshot(), model, spot=spot)
            self._enable()

    def _tell_not_saved(self, error: Exception) -> None:
        self.tools.message.say(str(error), "error")

    def _action_ended(self, message: str) -> None:
        self.tools.message.say(message)
        self._enable()

    def _action_failed(self, error: Exception) -> None:
        self.tools.message.say(str(error), "error")
        self._enable()
        announce(error)

    def _export(self) -> None:
        name, chosen = QFileDialog.getSaveFileName(self, "Export annotations", "", ";;".join(_FILTERS))
        if name:
            self.export(name if name.lower().endswith(_SUFFIXES) else f"{name}{_FILTERS.get(chosen, '.tif')}")

    def export(self, path: str) -> None:
        """Save the annotations as they are into a TIFF or OME-Zarr."""
        layer = self._painted
        if layer is None:
            return
        try:
            written = write_labels(path, layer.data, layer.as_layer_data_tuple()[1])
        except NapariUnetsError as error:
            self._action_failed(error)
        else:
            self.tools.message.say(f"Saved {written[0]}")

    def _restore(self) -> None:
        saved, image = self.offer.saved, self._image
        if saved is not None and image is not None:
            self.offer.offer(None)
            try:
                self.annotations.choose(self.session.restore(saved, image))
            except NapariUnetsError as error:
                self._action_failed(error)

    def _discard(self) -> None:
        if self.offer.saved is not None:
            self.offer.saved.path.unlink(missing_ok=True)
            self.offer.offer(None)


def _can_be_painted_on(layer: Layer) -> bool:
    return isinstance(layer, Image) and not is_result(layer)
