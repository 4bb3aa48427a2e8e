"""Choose whether the model runs on this machine or on a Dask cluster, a GPU server for instance."""

from __future__ import annotations

from importlib import metadata

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_unets.jobs import Worker
from napari_unets.widgets.parts.inquiry import Devices, find_devices
from napari_unets.widgets.parts.job_signals import JobSignals
from napari_unets.widgets.parts.notes import Note
from napari_unets.widgets.parts.session import remote_worker, shared_worker

__all__ = ["SchedulerChoice"]

_SILENCE_MS = 4000


class SchedulerChoice(QWidget):
    """The address of a Dask scheduler, or nothing for this machine; below, whether it answers.

    As soon as an address is entered, a worker there is asked what it can compute on.
    """

    #: Another worker is asked what it has.
    asking = Signal()
    #: It does something else first: what, in words; empty once that is over.
    waiting = Signal(str)
    #: It has answered: its `Devices`.
    answered = Signal(object)
    #: It cannot be asked: the error.
    failed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit()
        self.line.setPlaceholderText("this machine")
        self.line.setClearButtonEnabled(True)
        self.line.setToolTip(
            "Address of a Dask scheduler, such as tcp://gpu-server:8786 (tls://… with TLS); empty for this machine"
        )
        self.note = Note()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line)
        layout.addWidget(self.note)
        self._address = ""
        self._is_broken = False
        self._inquiry: JobSignals | None = None
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.setInterval(_SILENCE_MS)
        self._silence.timeout.connect(self._say_it_is_silent)
        self.line.editingFinished.connect(self._take)

    @property
    def address(self) -> str | None:
        """The scheduler's address; None for this machine."""
        return self._address or None

    @property
    def worker(self) -> Worker:
        """Where jobs are to run."""
        return shared_worker() if self.address is None else remote_worker(self.address)

    def ask(self) -> None:
        """Ask the worker what it can compute on."""
        if self._inquiry is not None:  # whatever is still to come of it is of another worker
            self._inquiry.waiting.disconnect()
            self._inquiry.done.disconnect()
            self._inquiry.failed.disconnect()
        self.note.say(f"Asking {self._address} …" if self._address else "")
        if self._address:
            self._silence.start()
        self._is_broken = False
        self.asking.emit()
        self._inquiry = JobSignals(self.worker)
        self._inquiry.waiting.connect(self.waiting)
        self._inquiry.done.connect(self._answer)
        self._inquiry.failed.connect(self._fail)
        self._inquiry.submit(find_devices)

    def _take(self) -> None:
        text = self.line.text().strip()
        if text and "://" not in text:
            text = f"tcp://{text}"
        self.line.setText(text)
        self.line.setCursorPosition(0)
        if text != self._address or self._is_broken:
            self._address = text
            self._silence.stop()
            self.ask()

    def _say_it_is_silent(self) -> None:
        self.note.say(f"No answer from {self._address} yet. The scheduler may have no free worker.", "warning")

    def _answer(self, devices: Devices) -> None:
        self._silence.stop()
        ours = metadata.version("napari-unets")
        if self._address and devices.version != ours:
            self.note.say(
                f"{devices.host} has napari-unets {devices.version}, but this is {ours}. Install the same there.",
                "error",
            )
        elif self._address:
            self.note.say(f"Connected. The model runs on {devices.host}.", "good")
        self.answered.emit(devices)

    def _fail(self, error: Exception) -> None:
        self._silence.stop()
        self._is_broken = True
        if self._address:
            self.note.say(str(error), "error")
        self.failed.emit(error)
