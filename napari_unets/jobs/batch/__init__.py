"""One model over many inputs."""

from napari_unets.jobs.batch.events import BatchJob, BatchLog
from napari_unets.jobs.batch.plan import plan_items
from napari_unets.jobs.batch.run import make_batch
from napari_unets.jobs.batch.sources import find_sources

__all__ = ["BatchJob", "BatchLog", "find_sources", "make_batch", "plan_items"]
