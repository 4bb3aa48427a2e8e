"""A cluster that speaks TLS, with certificates as docs/cluster.md makes them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
import yaml
from jobs.block_stand_in import Part, Volume, run_part
from jobs.dask_cluster import Cluster

from napari_unets.jobs import SchedulerUnreachableError, Worker
from napari_unets.jobs.cluster.executor import on_cluster

PAGE = Path(__file__).parents[3] / "docs" / "cluster.md"


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of Dask's configuration that the page describes, with the certificates that it makes."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the program openssl")
    folder = tmp_path_factory.mktemp("tls")
    text = PAGE.read_text("utf-8")
    command = next(line for line in text.splitlines() if line.startswith("openssl req"))
    subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)
    described = re.search(r"```yaml\n(distributed:.*?)```", text, re.DOTALL)
    assert described is not None
    (folder / "distributed.yaml").write_text(described.group(1).replace("/home/me/dask", str(folder)))
    return folder


@pytest.fixture(scope="module")
def cluster(configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("dask"), protocol="tls", environment={"DASK_CONFIG": str(configuration)})
    cluster.add_worker("--no-nanny")
    yield cluster
    cluster.close()


@pytest.fixture
def configured(configuration: Path) -> Iterator[None]:
    with dask.config.set(flat(yaml.safe_load((configuration / "distributed.yaml").read_text()))):
        yield


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dask would replace whole branches of its configuration by nested values."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        leaves |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return leaves


@pytest.mark.usefixtures("configured")
def test_blocks_over_tls(cluster: Cluster, tmp_path: Path) -> None:
    assert cluster.address.startswith("tls://")
    (tmp_path / "out.parts").mkdir()
    with on_cluster(cluster.address, run=run_part) as execute:
        assert len(list(execute(Volume(tmp_path / "out"), [Part(i) for i in range(10)]))) == 10


def test_without_certificates_it_says_what_is_missing(cluster: Cluster) -> None:
    with pytest.raises(SchedulerUnreachableError, match=r"docs/cluster\.md"), on_cluster(cluster.address):
        pass


@pytest.mark.usefixtures("configured")
def test_plain_address_is_refused_where_encryption_is_required(cluster: Cluster) -> None:
    plain = cluster.address.replace("tls://", "tcp://")
    with pytest.raises(SchedulerUnreachableError, match="requires encryption"), on_cluster(plain):
        pass


@pytest.mark.usefixtures("configured")
def test_certificate_that_is_not_there(cluster: Cluster, tmp_path: Path) -> None:
    with (
        dask.config.set({"distributed.comm.tls.client.cert": str(tmp_path / "dask.crt")}),
        pytest.raises(SchedulerUnreachableError, match="cannot be read"),
        on_cluster(cluster.address),
    ):
        pass


@pytest.mark.usefixtures("configured")
def test_worker_of_this_machine_needs_no_certificates() -> None:
    with Worker() as worker:
        job = worker.submit(sum, [1, 2])
        assert job.wait(100)
        assert job.result == 3
