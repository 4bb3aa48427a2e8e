"""A worker for most tests of this folder: starting one takes a second or more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from napari_unets.jobs import Job, Worker

PATIENCE = 120.0


class Ear:
    """Hears what a job calls back."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.results: list[Any] = []
        self.errors: list[Exception] = []
        self.order: list[str] = []

    @property
    def callbacks(self) -> dict[str, Any]:
        return {"on_event": self.on_event, "on_done": self.on_done, "on_error": self.on_error}

    def on_event(self, event: Any) -> None:
        self.events.append(event)
        self.order.append("event")

    def on_done(self, result: Any) -> None:
        self.results.append(result)
        self.order.append("done")

    def on_error(self, error: Exception) -> None:
        self.errors.append(error)
        self.order.append("error")


class Runner:
    """Submits to a worker and waits."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def __call__(self, function, *args, **kwargs) -> tuple[Job, Ear]:
        ear = Ear()
        job = self.worker.submit(function, *args, **ear.callbacks, **kwargs)
        assert job.wait(PATIENCE)
        return job, ear

    def result(self, function, *args, **kwargs) -> Any:
        job, _ = self(function, *args, **kwargs)
        if job.error is not None:
            raise job.error
        return job.result


@pytest.fixture(scope="session")
def _worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


@pytest.fixture
def worker(_worker: Worker) -> Worker:
    """A local worker that all tests share."""
    _worker.wait_ready(PATIENCE)
    return _worker


@pytest.fixture
def run(worker: Worker) -> Runner:
    """Run a function in the shared worker, and wait for its end."""
    return Runner(worker)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def runner() -> type[Runner]:
    """For a worker of the test's own."""
    return Runner
