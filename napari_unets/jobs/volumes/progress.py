"""How far a volume is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Teller", "VolumeEvent"]


@dataclass(frozen=True)
class VolumeEvent:
    """How far a run is.

    Attributes
    ----------
    stage : {"blocks", "objects"}
        What is being done: blocks computed, or, of objects, their ids made those of the whole volume.
    done : float
        Blocks, and how much of the next one where that is known.
    total : int
        Blocks.
    seconds_left : float or None
        Estimate for the stage.
    """

    stage: Literal["blocks", "objects"]
    done: float
    total: int
    seconds_left: float | None = None


class Teller:
    """Tells how far a run is, and how long it may still take.

    Parameters
    ----------
    tell : callable, optional
        Whom it is told.
    """

    def __init__(self, tell: Callable[[VolumeEvent], None] | None = None) -> None:
        self._tell = tell
        self._stage: Literal["blocks", "objects"] = "blocks"
        self._first = self._done = 0.0
        self._since = 0.0

    def start(self, stage: Literal["blocks", "objects"], done: int, total: int) -> None:
        """Tell that a stage begins, with so many blocks done before."""
        self._stage, self._first, self._done = stage, done, done
        self._since = time.monotonic()
        self._say(VolumeEvent(stage, done, total))

    def at(self, done: float, total: int) -> None:
        """Tell it, unless more was told before: a block counts when computed, and again when written."""
        if done > self._done:
            self._done = done
            left = (time.monotonic() - self._since) / (done - self._first) * (total - done)
            self._say(VolumeEvent(self._stage, done, total, left))

    def _say(self, event: VolumeEvent) -> None:
        if self._tell is not None:
            self._tell(event)
