"""Models widget: what there is, what one is; to use, send, take in, copy, rename, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QGridLayout, QInputDialog, QMenu, QMessageBox, QPushButton, QWidget
from superqt.utils import create_worker

from napari_unets.errors import NapariUnetsError
from napari_unets.models import ModelStore, copy_model, export_model, model_in, rename_model
from napari_unets.widgets.models.card_text import card_html
from napari_unets.widgets.models.model_list import ModelList
from napari_unets.widgets.parts.announce import announce
from napari_unets.widgets.parts.docks import open_widget
from napari_unets.widgets.parts.model_command import import_in_process
from napari_unets.widgets.parts.new_model import NewModelButton
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.panel import Panel
from napari_unets.widgets.parts.store_news import store_news

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ModelsWidget"]

_ZIP = "Zip file (*.zip)"
_FOLDER = "Model folder (*)"


class ModelsWidget(Panel):
    """The store of models, and the card of the one that is chosen.

    Parameters
    ----------
    napari_viewer : Viewer
        Gets the Segment widget when a model is to be used.
    """

    #: Something that was asked for is done, or has failed: whether it is done.
    finished = Signal(bool)

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._store = ModelStore()
        self._busy = False
        self.models = ModelList(self._store)
        self.message = Note()
        self.card = Note()
        self.card.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.card.setOpenExternalLinks(True)
        self.use = QPushButton("Use in Segment")
        self.use.setStyleSheet("font-weight: bold;")
        self.reveal = QPushButton("Show folder")
        self.new = NewModelButton()
        self.export = QPushButton("Export …")
        self.bring_in = QPushButton("Import …")
        self.copy = QPushButton("Copy …")
        self.rename = QPushButton("Rename …")
        self.remove = QPushButton("Remove …")
        self.refresh = QPushButton("Refresh")
        self._lay_out()
        self._connect()
        self._show(self.models.name)

    def _lay_out(self) -> None:
        self.from_menu = QMenu(self)
        self.from_zip: Any = self.from_menu.addAction("A zip file …")
        self.from_folder: Any = self.from_menu.addAction("A model's folder …")
        self.bring_in.setMenu(self.from_menu)
        buttons = QWidget()
        grid = QGridLayout(buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        rows = (
            (self.use, self.new),
            (self.bring_in, self.export),
            (self.copy, self.rename),
            (self.reveal, self.refresh),
        )
        for row, pair in enumerate((*rows, (self.remove,))):
            for column, button in enumerate(pair):
                grid.addWidget(button, row, column)
        for part in (self.models, buttons, self.message, self.card):
            self.column.addWidget(part)

    def _connect(self) -> None:
        self.models.chosen.connect(self._show)
        self.use.clicked.connect(self._use)
        self.new.made.connect(self._made)
        self.new.failed.connect(self._failed)
        self.reveal.clicked.connect(self._reveal)
        self.export.clicked.connect(self._export)
        self.from_zip.triggered.connect(self._import_zip)
        self.from_folder.triggered.connect(self._import_folder)
        self.copy.clicked.connect(self._copy)
        self.rename.clicked.connect(self._rename)
        self.remove.clicked.connect(self._remove)
        self.refresh.clicked.connect(lambda: store_news().changed.emit())

    def _show(self, name: str) -> None:
        folder = self._folder(name) if name else None
        card = self.models.cards.get(name) if folder is not None else None
        own = folder is not None and folder.parent == self._store.user
        if card is not None and folder is not None:
            self.card.say(card_html(card, folder, own=own), rich=True)
        elif name and folder is None:
            self.card.say("")
        elif name:
            self.card.say(str(self.models.broken[name]), "error")
        else:
            self.card.say(f"There is no model. Yours are kept in {self._store.user}", "warning")
        free = not self._busy
        for button in (self.use, self.export, self.copy):
            button.setEnabled(card is not None and free)
        self.rename.setEnabled(card is not None and own and free)
        self.remove.setEnabled(own and free)
        self.remove.setToolTip("" if own or not name else "This model ships with napari-unets and is not removed")
        self.reveal.setEnabled(folder is not None)
        self.bring_in.setEnabled(free)

    def _folder(self, name: str) -> Path | None:
        """Folder of a model; None, and said so, if it was taken away behind our back."""
        try:
            return self._store.folder(name)
        except NapariUnetsError as error:
            self.message.say(str(error), "error")
            QTimer.singleShot(
                0, store_news().changed.emit
            )  # not at once: the list may just be telling that it was clicked
            return None

    def _use(self) -> None:
        name = self.models.name
        if self._folder(name) is None:
            return
        open_widget(self._viewer, "Segment").model.choose(name)
        self.message.say(f"{name} is chosen in the Segment widget.", "good")

    def _reveal(self) -> None:
        if (folder := self._folder(self.models.name)) is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _export(self) -> None:
        name = self.models.name
        path, chosen = QFileDialog.getSaveFileName(
            self, f"Export {name}", str(Path.home() / f"{name}.zip"), f"{_ZIP};;{_FOLDER}"
        )
        if not path:
            return
        target = Path(path)
        if chosen != _FOLDER and target.suffix.lower() != ".zip":
            target = Path(f"{path}.zip")
        is_zip = target.suffix.lower() == ".zip"  # the dialogue has asked whether it may be replaced
        self._work(partial(export_model, name, target, store=self._store, overwrite=is_zip), f"Saved {target}")

    def _import_zip(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a model", str(Path.home()), _ZIP)
        if path:
            self.take_in(Path(path))

    def _import_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Import a model's folder", str(Path.home()))
        if path:
            self.take_in(Path(path))

    def take_in(self, source: Path) -> None:
        """Import a model; if its name is taken, ask for another."""
        try:
            name = model_in(source).name
        except NapariUnetsError as error:
            self._failed(error)
            return
        if name in self._store.folders():
            name = self._ask_name("Import", f"There is a model {name} already. Call this one:", f"{name}-2")
        if name:
            self._work(partial(import_in_process, source, name), f"{name} is now one of your models.", choose=name)

    def _copy(self) -> None:
        name = self.models.name
        if new := self._ask_name("Copy", f"Name of the copy of {name}:", f"{name}-copy"):
            self._work(partial(copy_model, name, new, store=self._store), f"{new} is a copy of {name}.", choose=new)

    def _rename(self) -> None:
        name = self.models.name
        if new := self._ask_name("Rename", f"New name of {name}:", name):
            self._work(partial(rename_model, name, new, store=self._store), f"{name} is now {new}.", choose=new)

    def _remove(self) -> None:
        name = self.models.name
        folder = self._folder(name)
        if folder is None:
            return
        answer = QMessageBox.question(
            self,
            "Remove a model",
            f"Remove your model {name} from the disk? It cannot be brought back.\n{folder}",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        if answer == QMessageBox.StandardButton.Yes:
            self._work(partial(self._store.remove, name), f"{name} is removed.")

    def _ask_name(self, title: str, text: str, suggested: str) -> str:
        name, accepted = QInputDialog.getText(self, title, text, text=suggested)
        return name.strip() if accepted else ""

    def _work(self, function: Callable[[], object], said: str, *, choose: str = "") -> None:
        """Do something in a thread; then list the models anew."""
        self._busy = True
        self._show(self.models.name)
        self.message.say("Working …")
        self._after = said, choose
        # _ignore_errors: they are shown here, and not by napari a second time
        worker: Any = create_worker(function, _ignore_errors=True)
        worker.returned.connect(self._done)
        worker.errored.connect(self._failed)
        worker.start()

    def _made(self, name: str) -> None:
        self._after = f"{name} is one of your models, and has learnt nothing yet. Use it in Annotate.", name
        self._done(name)

    def _done(self, _result: object) -> None:
        said, name = self._after
        self._busy = False
        store_news().changed.emit()
        self.models.choose(name)
        self.message.say(said, "good")
        self.finished.emit(True)

    def _failed(self, error: Exception) -> None:
        self._busy = False
        store_news().changed.emit()
        self.message.say(str(error), "error")
        self.finished.emit(False)
        announce(error)
