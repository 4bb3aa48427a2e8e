"""What can go wrong with a volume that is written block by block."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = [
    "BlockWriteError",
    "LedgerError",
    "LedgerInUseError",
    "LedgerMismatchError",
    "SourceChangedError",
    "VolumeError",
]


class VolumeError(NapariUnetsError):
    """A volume that cannot be made as it was asked for."""


class LedgerError(VolumeError):
    """A ledger that is damaged, missing, or of a later version of this package."""


class LedgerInUseError(LedgerError):
    """An output that another process is writing at the moment."""


class LedgerMismatchError(LedgerError):
    """An output that was begun from another input, by another model or with other settings; the message says which."""


class BlockWriteError(VolumeError):
    """A block that could not be written: a full disk, a missing right. What was written before stays valid."""


class SourceChangedError(VolumeError):
    """An input that is no longer what it was when the run began, or is no longer there at all."""
