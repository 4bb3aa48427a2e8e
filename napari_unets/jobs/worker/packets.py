"""Turn the events of a job into bytes that travel without being copied again, and back."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass, field
from typing import Any, Literal

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.errors import JobCrashedError

__all__ = ["Packet", "decode", "decode_error", "encode", "encode_error"]

Kind = Literal["event", "done", "stopped", "error"]


@dataclass(frozen=True)
class Packet:
    """One event, or the end of a job, in bytes.

    Attributes
    ----------
    kind : str
        ``event``, or one of the three ends ``done``, ``stopped`` and ``error``.
    header : bytes
        The pickle, without the large arrays.
    buffers : list of ndarray
        The arrays' bytes, uint8. Dask sends them as they are, beside the header.
    """

    kind: Kind
    header: bytes
    buffers: list[NDArray[np.uint8]] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes of the header and all buffers."""
        return len(self.header) + sum(buffer.nbytes for buffer in self.buffers)


def encode(kind: Kind, value: Any) -> Packet:
    """Pickle `value` now, so that the job may go on writing into its own arrays.

    Parameters
    ----------
    kind : str
        See `Packet`.
    value : object
        What a job yielded or returned. Its arrays are copied once (a memcpy, under 1 ms for 4 MB).

    Returns
    -------
    Packet
    """
    buffers: list[NDArray[np.uint8]] = []

    def keep(buffer: pickle.PickleBuffer) -> None:
        buffers.append(np.frombuffer(buffer.raw(), dtype=np.uint8).copy())

    header = cloudpickle.dumps(value, protocol=5, buffer_callback=keep)
    return Packet(kind, header, buffers)


def decode(packet: Packet) -> Any:
    """Give back what `encode` was given; arrays lie, writable, on the packet's buffers."""
    return pickle.loads(packet.header, buffers=packet.buffers)  # noqa: S301 - our own worker's bytes


def encode_error(error: BaseException) -> Packet:
    """Keep an error's class, text and attributes, and its traceback as text.

    An error is not pickled as such: many a class takes other arguments than the message that it
    ends up with, and would fail, or lie, when it is made anew.
    """
    text = "".join(traceback.format_exception(error))
    summary = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, NapariUnetsError):
        try:
            return encode("error", (type(error), error.args, error.__dict__, str(error), text))
        except Exception as reason:  # noqa: BLE001 - whatever an attribute's pickling may raise
            text += f"(not sent as it was: {reason})\n"
            return encode("error", (NapariUnetsError, (str(error),), {}, str(error), text))
    return encode("error", (JobCrashedError, (), {}, summary, text))


def decode_error(packet: Packet) -> Exception:
    """Make the worker's error anew: the same class for what a user can mend, else `JobCrashedError`."""
    kind, arguments, attributes, message, text = decode(packet)
    if kind is JobCrashedError:
        return JobCrashedError(message, text)
    error: Exception = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    error.add_note(f"In the worker process:\n{text}")
    return error
