"""How much memory there is, what a window takes of it, and what a lack of it looks like."""

from __future__ import annotations

import ctypes
import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = [
    "bytes_per_pixel",
    "free_memory",
    "freed_memory_kept",
    "is_out_of_memory",
    "keep_freed_memory",
    "release",
]

# Words of the errors that torch, oneDNN and OpenVINO raise; they have no type of their own on the CPU.
_SHORTAGE_WORDS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "failed to allocate",
    "could not allocate",
    "bad_alloc",
    "bad allocation",
    "bad alloc",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on whichever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _SHORTAGE_WORDS)


def free_memory(device: str) -> int:
    """Bytes that can be had on a device without taking them from anybody.

    On the CPU this is the least of what the computer has and what the container or cluster job may still use.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + cached)
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return min([int(psutil.virtual_memory().available), *_container_memory()])


def _container_memory(group: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """Return what a control group (container, SLURM job) leaves to its processes; empty without a limit.

    Files that were read count as used, until the system takes their memory back for somebody who needs it.
    """
    versions = (
        (group, "memory.max", "memory.current", "inactive_file"),
        (group / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    for folder, limit, used, files in versions:
        try:
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
        except (OSError, ValueError):  # no control groups here, or the limit is the word "max"
            continue
        return [max(left + _entry(folder / "memory.stat", files), 0)]
    return []


def _entry(table: Path, name: str) -> int:
    """Return a number of a table of names and numbers; 0 if it has none."""
    try:
        rows = dict(line.split() for line in table.read_text().splitlines())
        return int(rows.get(name, 0))
    except (OSError, ValueError):
        return 0


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows the tensors that operations make, and when they are freed."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Leave torch's compiler alone, which is not in use here: to shield a mode from it takes seconds of imports."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._follow(leaf.untyped_storage())
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        self._live += storage.nbytes()
        self.peak = max(self.peak, self._live)
        weakref.finalize(storage, self._freed, key, storage.nbytes())

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._live -= size


def bytes_per_pixel(module: nn.Module, in_channels: int, side: int) -> float:
    """Measure the memory that a network's feature maps take in float32, a pixel of the input.

    A small image runs through the network while the tensors that are alive at the same time are counted.

    Parameters
    ----------
    module : nn.Module
        On the CPU, float32.
    in_channels : int
        Channels of its image.
    side : int
        Side of the small image; the network must take it.

    Returns
    -------
    float
        Peak bytes divided by ``side ** 2``.
    """
    image = torch.zeros(1, in_channels, side, side)
    with torch.inference_mode(), _LiveBytes() as live:
        module(image)
    return float(live.peak + image.nbytes) / side**2


def keep_freed_memory() -> bool:
    """Let the C library keep the memory that torch frees, instead of giving it back to the system each time.

    Fresh memory must be zeroed and mapped page by page by the system; torch on the CPU frees and asks anew for the
    same hundreds of megabytes with every window or step. Keeping them made training steps 1.6 times faster. The
    memory goes back when the process ends, so this is for worker processes; :func:`freed_memory_kept` is for others.

    Returns
    -------
    bool
        Whether the C library is one that can (glibc).
    """
    _KEEPING.add("for good")
    return _keep()


def _keep() -> bool:
    return _mallopt(_MMAP_MAX, 0) and _mallopt(_TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory (see :func:`keep_freed_memory`) for a time, and then give it back to the system.

    Afterwards glibc's thresholds stand where it would itself have moved them after a large block was freed. In a
    process that keeps freed memory anyway, this changes nothing.
    """
    kept = not _KEEPING and _keep()
    try:
        yield
    finally:
        if kept and not _KEEPING:
            _mallopt(_MMAP_MAX, 65536)
            _mallopt(_MMAP_THRESHOLD, 32 * 2**20)
            _mallopt(_TRIM_THRESHOLD, 64 * 2**20)
            ctypes.CDLL(None).malloc_trim(0)


#: Not empty once this process was told to keep freed memory until it ends.
_KEEPING: set[str] = set()

# Numbers of malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4


def _mallopt(parameter: int, value: int) -> bool:
    try:
        library = ctypes.CDLL(None)
        library.malloc_trim  # noqa: B018 - only glibc has it
        return bool(library.mallopt(ctypes.c_int(parameter), ctypes.c_int(value)))
    except (AttributeError, OSError, TypeError):
        return False


def release(device: str) -> None:
    """Give memory of a GPU that is no longer used back to other programs. The CPU's goes back by itself."""
    kind = torch.device(device).type
    if kind == "cpu":
        return
    gc.collect()  # cycles that hold tensors
    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()
