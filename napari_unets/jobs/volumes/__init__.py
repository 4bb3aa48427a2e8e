"""Volumes larger than the memory: blocks, the ledger, and going on after anything."""

from napari_unets.jobs.volumes.blocks import plan_volume
from napari_unets.jobs.volumes.run import run_volume

__all__ = ["plan_volume", "run_volume"]
