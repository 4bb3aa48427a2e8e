"""What a fine-tuning keeps on disk, so that it can go on after anything: a stop, a dead worker, a dead napari."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.worker.liveness import still_runs
from napari_unets.models import ClassInfo, model_name

__all__ = ["TuningFolder", "TuningFolderError", "TuningPlan", "View", "unfinished_run"]

_KEPT = 5


class TuningFolderError(NapariUnetsError):
    """A fine-tuning's folder cannot be written to."""


class TuningPlan(BaseModel):
    """What was asked for, enough to ask for the same again.

    Attributes
    ----------
    model : str
        Name or folder of the model that the run began with.
    parent : str
        Name of the store's model that all began with.
    image : str
        Name of the image.
    settings : dict
        Changes of the fine-tuning's settings.
    classes : list of ClassInfo
        The new model's.
    name : str
        Of the new model.
    pid : int or None
        Process that the window belongs to, while it learns.
    begun : float
        Seconds since 1970.
    finished : bool
        Whether it came to its end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    parent: str
    image: str
    settings: dict[str, Any]
    classes: list[ClassInfo]
    name: str
    pid: int | None = Field(default_factory=os.getpid)
    begun: float = Field(default_factory=time.time)
    finished: bool = False


@dataclass(frozen=True)
class View:
    """Plane, and rows and columns of it, that the window shows."""

    plane: int
    window: tuple[slice, slice]


class TuningFolder:
    """Folder of one run: plan, checkpoint, the tuned model, and what the window wants a preview of.

    The wish is a file, too: a job hears nothing but the call to stop, and the checkpoint has both sides
    look into this folder anyway. A worker that does not see it makes no previews.

    Parameters
    ----------
    path : str or Path
        The folder; made when first written to.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @classmethod
    def new(cls, runs: Path, image: str) -> TuningFolder:
        """Choose a folder for a new run under ``runs``, and remove the oldest ones that are over."""
        for old in sorted(runs.glob("*/plan.json"), key=lambda file: file.stat().st_mtime)[: -_KEPT + 1]:
            if not TuningFolder(old.parent).is_in_use:
                shutil.rmtree(old.parent, ignore_errors=True)
        return cls(runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{model_name(image)[:40]}-{uuid.uuid4().hex[:4]}")

    @property
    def checkpoint(self) -> Path:
        """State of the run."""
        return self.path / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """Folder of the tuned model."""
        return self.path / "model"

    @property
    def plan(self) -> TuningPlan | None:
        """What was asked for; None if there is no plan, or none that can be read."""
        try:
            return TuningPlan.model_validate_json((self.path / "plan.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def write_plan(self, plan: TuningPlan) -> None:
        """Keep what was asked for."""
        self._write("plan.json", plan.model_dump_json(indent=2))

    @property
    def is_in_use(self) -> bool:
        """Whether it runs, and the window that it belongs to is still there."""
        plan = self.plan
        return plan is not None and plan.pid is not None and still_runs(plan.pid, plan.begun)

    @property
    def can_resume(self) -> bool:
        """Whether there is something left to do, and a state to go on from."""
        plan = self.plan
        return plan is not None and not plan.finished and self.checkpoint.is_file()

    def ask_for(self, plane: int, window: tuple[slice, slice]) -> None:
        """Say what the window shows."""
        rows, columns = window
        self._write("view.json", json.dumps([plane, rows.start, rows.stop, columns.start, columns.stop]))

    def view(self) -> View | None:
        """Return what the window shows; None where nothing was asked for."""
        try:
            plane, top, bottom, left, right = json.loads((self.path / "view.json").read_bytes())
        except (OSError, ValueError):
            return None
        return View(int(plane), (slice(int(top), int(bottom)), slice(int(left), int(right))))

    def _write(self, name: str, text: str) -> None:
        beside = self.path / f".{name}.part"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path / name)
        except OSError as error:
            todo = "Make room, or let NAPARI_UNETS_DATA name another folder"
            raise TuningFolderError(
                f"{self.path}: the state of a fine-tuning cannot be kept here ({error}). {todo}"
            ) from error


def unfinished_run(runs: Path) -> TuningFolder | None:
    """Return the latest run that did not come to its end and that nobody is at."""
    folders = [TuningFolder(file.parent) for file in runs.glob("*/plan.json")]
    left = [folder for folder in folders if folder.can_resume and not folder.is_in_use]
    return max(left, key=lambda folder: folder.path.name, default=None)
