"""Which model learns from what, and what becomes of it: fine-tune, stop, resume, revert, save."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.tasks.keeping import keep_model
from napari_unets.jobs.tasks.tuning import TuningSummary
from napari_unets.jobs.tasks.tuning_folder import TuningFolder, TuningFolderError, TuningPlan, unfinished_run
from napari_unets.learning.errors import DivergedError
from napari_unets.models import model_name
from napari_unets.widgets.annotate.tune_outcome import mood_of, tuning_in_words
from napari_unets.widgets.annotate.tune_run import TuneRun, preview_name
from napari_unets.widgets.annotate.unsaved import unsaved_in
from napari_unets.widgets.parts.data_folder import data_folder
from napari_unets.widgets.parts.job_signals import JobSignals
from napari_unets.widgets.parts.result_layers import METADATA_KEY, is_result, is_untouched
from napari_unets.widgets.parts.session import shared_worker
from napari_unets.widgets.parts.store_news import store_news

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_unets.models import ModelCard, ModelStore
    from napari_unets.widgets.annotate.annotation_session import AnnotationSession
    from napari_unets.widgets.annotate.tune_panel import TunePanel

__all__ = ["TuneControl"]


class TuneControl(QObject):
    """The model that is worked on: the one chosen in the store, or what was made of it by fine-tuning.

    Parameters
    ----------
    viewer : ViewerModel
        Gets the previews.
    panel : TunePanel
        Its buttons are obeyed, its texts set.
    session : AnnotationSession
        What is painted.
    store : ModelStore
        Where tuned models are saved.
    """

    #: A run has begun or ended, or another model is worked on.
    changed = Signal()
    #: Something has failed: the error.
    failed = Signal(object)

    def __init__(self, viewer: ViewerModel, panel: TunePanel, session: AnnotationSession, store: ModelStore) -> None:
        super().__init__(panel)  # it goes with the widget
        self._viewer = viewer
        self._panel = panel
        self._session = session
        self._store = store
        self._name = ""
        self._parent: ModelCard | None = None
        self._image: Image | None = None
        self.tuned: TuningSummary | None = None
        self.run: TuneRun | None = None
        self._before: TuneRun | None = None
        self._kept: TuningSummary | None = None  # what was saved last
        self._to_keep: TuningSummary | None = None  # what is being saved, or was
        self._runs = data_folder() / "fine-tuning"
        self._unsaved = unsaved_in(self._runs)
        self.unfinished = unfinished_run(self._runs)
        self._saving: JobSignals | None = None
        panel.run_panel.run_clicked.connect(self._fine_tune)
        panel.run_panel.stop_clicked.connect(self._stop)
        panel.resume.clicked.connect(self._resume)
        panel.revert.clicked.connect(self.revert)
        panel.save.clicked.connect(self._save)
        self._tell_of_unfinished()

    @property
    def is_running(self) -> bool:
        """Whether a model learns at the moment."""
        return self.run is not None

    @property
    def name(self) -> str:
        """Name of the store's model that is chosen."""
        return self._name

    @property
    def card(self) -> ModelCard | None:
        """Card of the model that is worked on."""
        return self.tuned.card if self.tuned is not None else self._parent

    @property
    def model(self) -> str:
        """Folder of the model that is worked on.

        Raises
        ------
        UnknownModelError
            If it was renamed or removed meanwhile.
        """
        return str(self.tuned.model if self.tuned is not None else self._store.folder(self._name))

    def choose(self, name: str, card: ModelCard | None) -> None:
        """Work on a model of the store, or on what was made of it before another one was chosen and is not saved."""
        say = self._panel.run_panel.message.say
        if self._put_aside(self._before):
            say(f"What {self._name} has learnt is not saved: choose {self._name} again to go on with it.", "warning")
        learnt = None if card is None else self._unsaved.take(name, card, self._store)
        self.tuned, self._before = learnt or (None, self._before)
        self._name, self._parent = name, card
        if self.tuned is not None:
            say(f"Back to what {name} has learnt; it is not saved yet.")
        if card is not None:
            self._panel.name.setText(self.tuned.card.name if self.tuned is not None else f"{card.name}-tuned")
        self.changed.emit()

    def _put_aside(self, run: TuneRun | None) -> bool:
        """Keep what was learnt for when its parent is chosen again; whether there was anything that is not saved."""
        if self.tuned is None or self.tuned is self._kept or self._parent is None:
            return False
        self._unsaved.put(self._name, self._parent, (self.tuned, run))
        return True

    def enable(self, *, ready: bool, image: Image | None) -> None:
        """Enable what makes sense: ``ready`` if there are annotations and a model."""
        self._image = image
        idle = self.run is None
        panel = self._panel
        panel.run_panel.run.setEnabled(ready and idle)
        panel.resume.setEnabled(ready and idle and self._can_resume())
        panel.revert.setEnabled(idle and self.tuned is not None)
        panel.save.setEnabled(idle and self.tuned is not None and self._saving is None)

    def _can_resume(self) -> bool:
        """Whether there is a run to go on with, and on this image: annotations of another one are not its own."""
        if self.unfinished is None:
            self.unfinished = unfinished_run(self._runs)  # the widget that was just closed has left one
        plan = self.unfinished.plan if self.unfinished is not None else None
        if self.unfinished is None or plan is None or self._image is None or not self.unfinished.can_resume:
            return False
        self._panel.resume.setToolTip(f"Go on with the run on {plan.image} that was stopped or interrupted")
        last = self._before
        if last is not None and last.folder.path == self.unfinished.path and last.image is self._image:
            return True  # whatever it is called by now
        return bool(plan.image == self._image.name)

    def revert(self) -> None:
        """Go back to the model that is chosen in the store, and take the previews away."""
        if self.tuned is None:
            return
        shown = preview_name(self.tuned.card.name)
        self.tuned = None
        for layer in [one for one in self._viewer.layers if is_result(one) and is_untouched(one)]:
            if layer.metadata[METADATA_KEY].get("model") == shown:
                self._viewer.layers.remove(layer)
        self._panel.curves.hide()
        self._panel.run_panel.finish(f"Back to {self._name}, as it was.")
        self.changed.emit()

    def close(self) -> None:
        """Stop what runs; it can be resumed. What is not saved is there when the widget is opened again."""
        self._put_aside(None)  # without the run: it holds the image
        self.tuned = None
        if self.run is not None:
            self.run.stop()  # first: what is kept of it may fail
            self.run.folder.write_plan(self.run.plan.model_copy(update={"pid": None}))

    def _fine_tune(self) -> None:
        if self.run is not None or self._parent is None or self._image is None or self._session.record is None:
            return
        try:
            settings, model = self._panel.settings(), self.model
        except NapariUnetsError as error:
            self._fail(error)
            return
        plan = TuningPlan(
            model=model,
            parent=self._parent.name,
            image=self._image.name,
            settings=settings,
            classes=self._session.classes,
            name=model_name(self._panel.name.text() or f"{self._parent.name}-tuned"),
        )
        folder = TuningFolder.new(self._runs, self._image.name)
        self._begin(plan, folder, resume=False)

    def _resume(self) -> None:
        folder = self.unfinished
        plan = folder.plan if folder is not None else None
        if self.run is not None or folder is None or plan is None:
            return
        if not Path(plan.model).is_dir():
            self._fail(NapariUnetsError(f"{plan.model}: the model that this run began with is gone; start a new run"))
            return
        self._begin(plan.model_copy(update={"pid": os.getpid(), "begun": time.time()}), folder, resume=True)

    def _begin(self, plan: TuningPlan, folder: TuningFolder, *, resume: bool) -> None:
        record, parent, image = self._session.record, self.card, self._image
        if record is None or parent is None or image is None:
            return
        try:
            folder.write_plan(plan)
        except TuningFolderError as error:
            self._fail(error)
            return
        card = parent.model_copy(update={"name": plan.name, "classes": plan.classes})
        earlier = self._before if resume else None
        self.run = TuneRun(
            self._viewer,
            shared_worker(),
            image=image,
            annotations=record.snapshot(),
            card=card,
            plan=plan,
            folder=folder,
            resume=resume,
        )
        if earlier is not None and earlier.folder.path == folder.path:
            self.run.losses, self.run.scores = list(earlier.losses), list(earlier.scores)
            self.run.kept = earlier.kept
        self.unfinished = folder
        self.run.unheard.connect(self._tell_not_kept)
        self.run.waiting.connect(self._panel.run_panel.wait)
        self.run.progressed.connect(self._show_progress)
        self.run.ended.connect(self._ended)
        self.run.failed.connect(self._failed)
        self._panel.saved.say("")
        self._panel.run_panel.start("Reading the image and preparing the model …")
        self.run.start()
        self.changed.emit()

    def _stop(self) -> None:
        if self.run is not None:
            self._panel.run_panel.stopping()
            self.run.stop()

    def _show_progress(self) -> None:
        if self.run is not None:
            self._panel.show_progress(self.run)

    def _ended(self, summary: TuningSummary | None) -> None:
        run = self._close_run()
        if summary is None:
            self._panel.run_panel.finish("Stopped before it began.")
        else:
            self.tuned = summary
            self._keep_plan(run, finished=summary.finished)
            if summary.finished:
                run.folder.checkpoint.unlink(missing_ok=True)
            self._panel.run_panel.finish(tuning_in_words(summary, all_shown=run.all_shown), mood_of(summary))
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        run = self._close_run()
        self._keep_plan(run, finished=isinstance(error, DivergedError))  # it would come apart again
        kept = "\nWhat was learnt until shortly before is kept: press Resume."
        self._fail(error, kept if run.folder.can_resume else "")
        self.changed.emit()

    def _keep_plan(self, run: TuneRun, *, finished: bool) -> None:
        try:
            run.folder.write_plan(run.plan.model_copy(update={"finished": finished, "pid": None}))
        except TuningFolderError as error:
            self._tell_not_kept(error)

    def _tell_not_kept(self, error: Exception) -> None:
        self._panel.saved.say(str(error), "warning")

    def _fail(self, error: Exception, more: str = "") -> None:
        self._panel.run_panel.finish(f"{error}{more}", "error")
        self.failed.emit(error)

    def _close_run(self) -> TuneRun:
        assert self.run is not None  # noqa: S101 - its signals say so
        run, self.run = self.run, None
        self._before = run
        return run

    def _save(self) -> None:
        tuned = self.tuned
        name = model_name(self._panel.name.text())
        if tuned is None or self._saving is not None:
            return
        try:
            target = self._store.place_for(name)
        except NapariUnetsError as error:
            self._not_saved(error)
            return
        self._saving = JobSignals(shared_worker())
        self._to_keep = tuned
        self._saving.done.connect(self._saved)
        self._saving.failed.connect(self._not_saved)
        title = self._panel.name.text().strip() or name
        self._saving.submit(keep_model, tuned.model, target, title)
        self._panel.saved.say("Saving …")
        self.changed.emit()

    def _saved(self, name: str) -> None:
        self._saving, self._kept = None, self._to_keep
        self._unsaved.forget(self._kept)  # another model may have been chosen meanwhile
        self._panel.saved.say(f"Saved as {name}: the Segment widget lists it now.", "good")
        store_news().changed.emit()
        self.changed.emit()

    def _not_saved(self, error: Exception) -> None:
        self._saving = None
        self._panel.saved.say(str(error), "error")
        self.changed.emit()
        self.failed.emit(error)

    def _tell_of_unfinished(self) -> None:
        plan = self.unfinished.plan if self.unfinished is not None else None
        if plan is not None:
            when = time.strftime("%d %b, %H:%M", time.localtime(plan.begun))
            self._panel.run_panel.message.say(
                f"A fine-tuning of {plan.parent} on {plan.image} from {when} has not come to its end. "
                "Open that image and its annotations, then press Resume.",
                "warning",
            )
