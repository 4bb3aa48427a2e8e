"""Running a network with torch, on any device."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

__all__ = ["TorchBackend"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchBackend:
    """A network in channels-last memory order, in the precision asked for.

    Parameters
    ----------
    module : nn.Module
        Gives logits; its batch normalisations folded already.
    device : str
        Where to run.
    precision : {"fp32", "bf16", "fp16"}
        What the feature maps are kept in; the logits come out as float32.
    threads : int, optional
        CPU threads; torch's own choice by default.
    """

    name = "torch"

    def __init__(self, module: nn.Module, device: str, precision: str, threads: int | None = None) -> None:
        self._device = torch.device(device)
        self._dtype = _DTYPES[precision]
        self._threads = threads
        # Weights are converted once; autocast would do it anew for every window.
        copied = copy.deepcopy(module).to(self._device, self._dtype)
        self._module: nn.Module = copied.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def logits(self, batch: npt.NDArray[np.float32]) -> Tensor:
        """Logits (B, n, H, W) as float32 on the device, of a batch (B, C, H, W)."""
        with _threads(self._threads), torch.inference_mode():
            x = torch.from_numpy(batch).to(self._device, self._dtype, memory_format=torch.channels_last)
            result: Tensor = self._module(x)
            return result.float()


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Set torch's number of threads, which belongs to the whole process, for the time of a call."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
