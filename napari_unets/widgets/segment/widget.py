"""Segment widget: an image, a model, Run, and the result grows on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.compat import isalive
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QPushButton, QVBoxLayout, QWidget

from napari_unets.errors import NapariUnetsError
from napari_unets.models import ModelStore
from napari_unets.widgets.parts.advanced_settings import AdvancedSettings
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.device_choice import DeviceChoice
from napari_unets.widgets.parts.fold import Fold
from napari_unets.widgets.parts.image_source import image_source, likely_task
from napari_unets.widgets.parts.layer_choice import LayerChoice
from napari_unets.widgets.parts.model_choice import ModelChoice
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.result_layers import is_result
from napari_unets.widgets.parts.run_panel import RunPanel
from napari_unets.widgets.parts.settings_form import SettingsForm
from napari_unets.widgets.parts.shared_threshold import shared_threshold
from napari_unets.widgets.parts.warm_up import warm_up
from napari_unets.widgets.segment.clean_pages import CleanPages
from napari_unets.widgets.segment.exchanged_layer import exchanged_layer
from napari_unets.widgets.segment.output_choice import OutputChoice
from napari_unets.widgets.segment.pixel_size import PixelSizeAdvice
from napari_unets.widgets.segment.run import SegmentRun, SegmentSettings
from napari_unets.widgets.segment.scale_search import ScaleSearch
from napari_unets.widgets.segment.scope_choice import ScopeChoice

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["SegmentWidget"]

_LABELS = {"min_size": "Smallest object (px)"}


class SegmentWidget(Panel):
    """Run a model on an image layer.

    The work is done in the worker process; tiles appear as they are finished, the nearest to
    the view first.

    Parameters
    ----------
    napari_viewer : Viewer
        Whose layers to choose from, and which gets the results.
    """

    #: A run is over: whether everything was done.
    run_ended = Signal(bool)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._run: SegmentRun | ScaleSearch | None = None
        self._taken: tuple[str, Any] = "", None  # a threshold of another widget's, and the model it is for
        self._store = ModelStore()
        self.image = LayerChoice(napari_viewer, _can_be_segmented, "no image layer yet")
        self.image_note = Note()
        self.pixel_size = PixelSizeAdvice()
        self.model = ModelChoice(self._store)
        self.scope = ScopeChoice()
        self.rolled = Note()
        self.outputs = OutputChoice()
        self.device = DeviceChoice()
        self.advanced = AdvancedSettings(SettingsForm(SegmentSettings, labels=_LABELS))
        self.search = QPushButton("Find the scale from the image")
        self.search.setToolTip("Also says whether bright and dark are exchanged, or the model may not know such images")
        self.advanced.add_below_scale(self.search)
        self.run_panel = RunPanel("Run", "tiles")
        self.clean = CleanPages(napari_viewer)
        self._lay_out()
        self.device.follow(self.advanced.scheduler)
        warm_up()
        self.image.layer_changed.connect(self._suggest_model)
        self.image.layer_changed.connect(self._describe_image)
        self.model.model_changed.connect(self._drop_threshold)
        self.model.model_changed.connect(self._describe_image)
        self.advanced.inference["scale"].changed.connect(self._describe_image)
        self.pixel_size.asked.connect(lambda scale: self.advanced.inference.set("scale", scale))
        self.pixel_size.search_asked.connect(self._search_scale)
        self.search.clicked.connect(self._search_scale)
        self.pixel_size.exchange_asked.connect(self._exchange)
        self.scope.scope_changed.connect(self._tell_rolled)
        for event in (napari_viewer.dims.events.order, napari_viewer.dims.events.ndisplay):
            event.connect(self._tell_rolled)
        self.run_panel.run_clicked.connect(self._start)
        self.run_panel.stop_clicked.connect(self._stop)
        self.clean.offered.connect(self.clean_fold.setVisible)
        self.when_closed(self._stop_run)
        self._shared = shared_threshold(napari_viewer)
        self._shared.changed.connect(self._take_threshold)
        if self._shared.value is not None:
            self._take_threshold(self._shared.value, self._shared.model)
        self.clean_fold.setVisible(self.clean.layer.layer is not None)
        self._suggest_model(self.image.layer)
        self._describe_image()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Image", _column(self.image, self.image_note, self.pixel_size))
        form.addRow("Model", self.model)
        form.addRow("Run on", _column(self.scope, self.rolled))
        form.addRow("Make", self.outputs)
        form.addRow("Device", self.device)
        self.clean_fold = Fold("Clean pages", self.clean)
        self.clean_fold.expand()
        self.column.addLayout(form)
        self.column.addWidget(self.run_panel)
        self.column.addWidget(self.clean_fold)
        self.column.addWidget(self.advanced)  # last: unfolding it moves neither Run nor its messages out of sight

    def _take_threshold(self, threshold: float, model: str) -> None:
        """Use what another widget has found to be best, with the model that it was found for."""
        if self.model.box.findData(model) >= 0:
            self.model.choose(model)
        self.advanced.output.set("threshold", threshold)
        self._taken = self.model.name, self.advanced.output["threshold"].value

    def _drop_threshold(self, _: object = None) -> None:
        """Leave a threshold that was found for another model, unless somebody has changed it since."""
        of, threshold = self._taken
        if of and of != self.model.name:
            self._taken = "", None
            if self.advanced.output["threshold"].value == threshold:
                self.advanced.output.set("threshold", None)

    def _suggest_model(self, layer: Layer | None) -> None:
        """Propose a model for what the image seems to be."""
        if layer is not None:
            self.model.suggest(likely_task(layer))

    def _describe_image(self, _: object = None) -> None:
        self._tell_rolled()
        layer = self.image.layer
        card = self.model.card
        ready = layer is not None and card is not None and self._run is None
        self.run_panel.run.setEnabled(ready)
        self.search.setEnabled(ready and card is not None and card.has_weights)
        self.pixel_size.show_for(layer, card, self.advanced.inference["scale"].value)
        if layer is None:
            self.image_note.say("Open an image or a stack first.")
            return
        source = image_source(layer)
        height, width = source.plane_shape
        planes = "" if source.n_planes == 1 else f", {source.n_planes} planes"
        self.image_note.say(f"{width} × {height}{planes} · {source.data.dtype}{' RGB' if source.rgb else ''}")

    def _tell_rolled(self, _: object = None) -> None:
        """Say that something else is seen than what is segmented, where that is so."""
        if not isalive(self):  # type: ignore[no-untyped-call]  # the viewer outlives a dock that was closed
            return
        dims = self._viewer.dims
        seen = set(dims.displayed) == {dims.ndim - 2, dims.ndim - 1}
        is_whole = self.image.layer is None or self.scope.scope == "stack"
        said = (
            "The canvas shows other axes: models work on planes of the last two, and it is one of these that is made."
        )
        self.rolled.say("" if seen or is_whole else said, "warning")

    def _search_scale(self) -> None:
        layer, card = self.image.layer, self.model.card
        if not isinstance(layer, Image) or card is None or self._run is not None:
            return
        try:
            self._run = ScaleSearch(
                self.advanced.scheduler.worker,
                image=layer,
                card=card,
                folder=self._store.folder(self.model.name),
                settings=self.advanced.inference.value(device=self.device.device),
            )
        except NapariUnetsError as error:
            self._show_failure(error)
            return
        self._run.ended.connect(self._take_scale)
        self._run.ended_exchanged.connect(self.pixel_size.offer_exchange)
        self._begin(self._run, "Looking at the image at several scales …")

    def _take_scale(self, scale: float | None, message: str) -> None:
        self._run = None
        if scale is not None:
            self.advanced.inference.set("scale", scale)
        self.run_panel.finish(message, "plain" if scale is None else "good")
        self._describe_image()

    def _exchange(self) -> None:
        if isinstance(self.image.layer, Image):
            exchanged = exchanged_layer(self.image.layer)
            self._viewer.add_layer(exchanged)
            self.image.choose(exchanged)
            self.run_panel.message.say("")  # what the search said is true no more

    def _begin(self, run: SegmentRun | ScaleSearch, message: str) -> None:
        run.waiting.connect(self.run_panel.wait)
        run.failed.connect(self._failed)
        self.search.setEnabled(False)
        self.run_panel.start(message)
        run.start()

    def _start(self) -> None:
        layer, card = self.image.layer, self.model.card
        if not isinstance(layer, Image) or card is None or self._run is not None:
            return
        outputs = self.outputs.outputs
        if not outputs:
            self.run_panel.finish("Choose at least one output to make.", "warning")
            return
        try:
            settings = self.advanced.inference.value(device=self.device.device)
            self._run = SegmentRun(
                self._viewer,
                self.advanced.scheduler.worker,
                image=layer,
                card=card,
                folder=self._store.folder(self.model.name),
                scope=self.scope.scope,
                outputs=outputs,
                settings=settings,
                segmentation=self.advanced.output.value(),
            )
        except NapariUnetsError as error:
            self._show_failure(error)
            return
        self._run.progressed.connect(self.run_panel.progress)
        self._run.ended.connect(self._ended)
        self._begin(self._run, "Reading the image and preparing the model …")

    def _stop(self) -> None:
        if self._run is not None:
            self.run_panel.stopping()
            self._stop_run()

    def _stop_run(self) -> None:
        if self._run is not None:
            self._run.stop()

    def _ended(self, message: str, complete: bool) -> None:
        self._run = None
        self.run_panel.finish(message, "good" if complete else "plain")
        self._describe_image()
        self.run_ended.emit(complete)

    def _failed(self, error: Exception) -> None:
        self._run = None
        self._describe_image()
        try:
            self._show_failure(error)
        finally:
            self.run_ended.emit(False)

    def _show_failure(self, error: Exception) -> None:
        self.run_panel.finish(str(error), "error")
        announce(error)


def _can_be_segmented(layer: Layer) -> bool:
    return isinstance(layer, Image) and not is_result(layer)


def _column(*parts: QWidget) -> QWidget:
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for part in parts:
        layout.addWidget(part)
    return column
