"""Processes that train one network together, each on batches of its own.

``torchrun`` starts them, on one machine or many, and ``torch.nn.parallel.DistributedDataParallel`` averages their
gradients: torch has all of it, so that no further package is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from napari_unets.networks import Network

__all__ = ["Ranks", "TrainingOutputs", "is_first_rank"]


def is_first_rank() -> bool:
    """Whether this process is the only one, or the one of several that validates, reports and saves."""
    return os.environ.get("RANK", "0") == "0"


class TrainingOutputs(nn.Module):
    """A network's training outputs as a module's own."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return what the loss is taken of."""
        return self.network.training_outputs(x)


class Ranks:
    """The place of this process among those that ``torchrun`` has started; alone if it has not.

    Parameters
    ----------
    device : torch.device
        ``cuda`` becomes the GPU that belongs to this process.

    Attributes
    ----------
    rank, size : int
        Number of this process, and of processes.
    device : torch.device
        Where this process trains.
    """

    def __init__(self, device: torch.device) -> None:
        self.rank, self.size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        on_gpu = device.type == "cuda"
        self.device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu and self.size > 1 else device
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if on_gpu else "gloo")

    @property
    def is_first(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    def outputs_of(self, network: Network) -> Callable[[Tensor], list[Tensor]]:
        """Return the network's training outputs as a function whose gradients are averaged over all processes."""
        if self.size == 1:
            return network.training_outputs
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(TrainingOutputs(network), device_ids=ids)

    def agree(self, decision: bool) -> bool:
        """Return the first process's decision: clocks differ, and one that stopped alone would leave others waiting."""
        if self.size == 1:
            return decision
        told = torch.tensor([decision], dtype=torch.uint8, device=self.device)
        dist.broadcast(told, src=0)
        return bool(told.item())
