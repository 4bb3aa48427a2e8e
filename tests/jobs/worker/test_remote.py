"""The same jobs on a Dask cluster that was started by somebody else: a scheduler and a worker process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from jobs import functions
from jobs.dask_cluster import PATIENCE, TESTS, Cluster, wait_until

from napari_unets.jobs import JobCrashedError, Worker, WorkerDiedError


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.add_worker()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def remote(cluster: Cluster) -> Iterator[Worker]:
    with Worker(cluster.address) as worker:
        yield worker


@pytest.fixture
def there(remote, runner):
    """Run a function on the cluster."""
    return runner(remote)


def test_events_and_result(there) -> None:
    job, ear = there(functions.count, 20, shape=(256, 256))
    assert [float(array[0, 0]) for _, array in ear.events] == list(range(20))
    assert job.result == "20 done"


def test_arrays_reach_it(there) -> None:
    values = np.random.default_rng(0).normal(size=(5, 300, 300))
    got, _, _ = there.result(functions.total, values)
    assert got == pytest.approx(float(values.sum()))


def test_errors(there, tmp_path: Path) -> None:
    job, _ = there(functions.raise_odd, tmp_path)
    assert isinstance(job.error, functions.OddError)
    job, _ = there(functions.divide, 0)
    assert isinstance(job.error, JobCrashedError)


def test_stop(remote, there) -> None:
    begun = threading.Event()
    job = remote.submit(functions.for_ever, on_event=lambda _: begun.set())
    assert begun.wait(PATIENCE)
    job.stop()
    assert job.wait(PATIENCE)
    assert job.stopped
    assert not job.killed
    assert there.result(functions.divide, 2) == 0.5


def test_deaf_job_is_killed_by_the_nanny(remote, there) -> None:
    begun = threading.Event()
    pid = there.result(functions.pid)
    job = remote.submit(functions.deaf, on_event=lambda _: begun.set(), grace_s=0.2)
    assert begun.wait(PATIENCE)
    job.stop()
    assert job.wait(PATIENCE)
    assert job.killed
    assert there.result(functions.pid) != pid


def test_death_of_its_worker(remote, there, ear) -> None:
    begun = threading.Event()
    pid = there.result(functions.pid)
    job = remote.submit(functions.deaf, on_event=lambda _: begun.set(), on_error=ear.on_error)
    assert begun.wait(PATIENCE)
    psutil.Process(pid).kill()
    assert job.wait(PATIENCE)
    assert isinstance(ear.errors[0], WorkerDiedError)
    assert there.result(functions.pid) != pid


def test_job_of_a_client_that_vanishes_ends(cluster, there, tmp_path: Path) -> None:
    note = tmp_path / "progress"
    code = (
        "from napari_unets.jobs import Worker\n"
        "from jobs import functions\n"
        f"worker = Worker({cluster.address!r})\n"
        f"worker.submit(functions.fast, {str(note)!r}, 10**9, 1 << 20).wait()\n"
    )
    (tmp_path / "client.py").write_text(code)
    client = subprocess.Popen([sys.executable, tmp_path / "client.py"], env=os.environ | {"PYTHONPATH": str(TESTS)})
    wait_until(note.exists, "the job ran")
    client.kill()
    client.wait()
    assert there.result(functions.divide, 2) == 0.5  # its turn comes only once the other job has ended


def test_job_that_waits_for_a_worker_can_be_stopped(tmp_path: Path, ear) -> None:
    cluster = Cluster(tmp_path)
    try:
        with Worker(cluster.address) as worker:
            job = worker.submit(functions.divide, 2, **ear.callbacks)
            worker.wait_ready(PATIENCE)
            assert job.state == "waiting"
            job.stop()
            assert job.wait(PATIENCE)
            assert job.stopped
    finally:
        cluster.close()
