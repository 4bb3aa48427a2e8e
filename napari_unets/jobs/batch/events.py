"""What a batch is, and what is heard of it while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs.outputs.opening import Opening
from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = [
    "BatchEvent",
    "BatchItem",
    "BatchJob",
    "BatchLog",
    "Ended",
    "Existing",
    "Progress",
    "Queued",
    "Ready",
    "Row",
    "Started",
    "Status",
]

Status = Literal["queued", "running", "done", "skipped", "failed", "stopped"]
#: What becomes of outputs that are there: refuse to begin, skip those that match, replace all.
Existing = Literal["refuse", "resume", "overwrite"]


@dataclass(frozen=True)
class BatchItem:
    """An output and what it is made of.

    Attributes
    ----------
    sources : tuple of str
        One path or address (paths become strings); several where documents are bound into one.
    target : Path
        The output.
    """

    sources: tuple[str, ...]
    target: Path

    def __post_init__(self) -> None:
        given: Any = self.sources  # people give one alone, or paths
        sources = (given,) if isinstance(given, str | Path) else given
        object.__setattr__(self, "sources", tuple(str(source) for source in sources))
        object.__setattr__(self, "target", Path(self.target).expanduser())

    @property
    def name(self) -> str:
        """The sources, for people."""
        return ", ".join(self.sources)


@dataclass(frozen=True)
class BatchJob:
    """One model over many inputs. It can be pickled.

    Attributes
    ----------
    model : str or Path
        A name in the store, or a model's folder.
    items : tuple of BatchItem
        What to make of what.
    output : OutputSettings
        Of which kind.
    settings : InferenceSettings
        Where and how the model runs.
    existing : {"refuse", "resume", "overwrite"}
        What becomes of outputs that are there.
    opening : Opening
        How the inputs are opened, each of them; documents and their pages need none of it.
    """

    model: str | Path
    items: tuple[BatchItem, ...]
    output: OutputSettings = field(default_factory=OutputSettings)
    settings: InferenceSettings = field(default_factory=InferenceSettings)
    existing: Existing = "refuse"
    opening: Opening = field(default_factory=Opening)


@dataclass(frozen=True)
class Row:
    """What has become of an item.

    Attributes
    ----------
    item : BatchItem
    status : str
        ``queued``, ``running``, ``done``, ``skipped`` (it is there and matches), ``failed``, ``stopped``.
    reason : str
        Why, where there is something to say.
    fraction : float
        How much is done, 0 to 1.
    seconds : float
        That it took.
    details : str
        The traceback of a bug.
    """

    item: BatchItem
    status: Status = "queued"
    reason: str = ""
    fraction: float = 0.0
    seconds: float = 0.0
    details: str = ""


@dataclass(frozen=True)
class Queued:
    """The batch begins: these are its items, numbered from 0."""

    items: tuple[BatchItem, ...]


@dataclass(frozen=True)
class Ready:
    """The model is loaded; not heard of where there is nothing to compute."""

    model: str
    device: str
    device_reason: str
    backend: str
    precision: str


@dataclass(frozen=True)
class Started:
    """An item's turn has come."""

    number: int


@dataclass(frozen=True)
class Progress:
    """How much of how much of an item is done; several times a second at most."""

    number: int
    done: float
    total: float


@dataclass(frozen=True)
class Ended:
    """What has become of an item."""

    number: int
    row: Row


BatchEvent = Queued | Ready | Started | Progress | Ended


@dataclass
class BatchLog:
    """All that was heard of a batch, as rows.

    Attributes
    ----------
    rows : list of Row
        One for each item.
    ready : Ready or None
        The model and where it runs.
    """

    rows: list[Row] = field(default_factory=list)
    ready: Ready | None = None

    def take(self, event: BatchEvent) -> int | None:
        """Take an event; returns the number of the row that it changed, if it was one."""
        match event:
            case Queued(items):
                self.rows = [Row(item) for item in items]
            case Ready():
                self.ready = event
            case Started(number):
                self.rows[number] = Row(self.rows[number].item, "running")
            case Progress(number, done, total):
                self.rows[number] = replace(self.rows[number], fraction=done / total if total else 0.0)
            case Ended(number, row):
                self.rows[number] = row
        return None if isinstance(event, Queued | Ready) else event.number

    def counts(self) -> dict[Status, int]:
        """How many rows there are of each status, those there are none of left out."""
        return counts_of(self.rows)


def counts_of(rows: Sequence[Row]) -> dict[Status, int]:
    """How many rows there are of each status, those there are none of left out."""
    counts: dict[Status, int] = {}
    for status in ("done", "skipped", "failed", "stopped", "running", "queued"):
        if count := sum(row.status == status for row in rows):
            counts[status] = count
    return counts
