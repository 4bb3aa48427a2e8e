"""Blocks on several processes: those of this machine, and those of somebody's scheduler."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client
from jobs.block_stand_in import BadBlockError, Part, Volume, run_part
from jobs.dask_cluster import Cluster

from napari_unets.jobs import (
    BlockDeadlyError,
    JobCrashedError,
    OutputNotSharedError,
    SchedulerLostError,
    SchedulerUnreachableError,
    WorkerMismatchError,
    WorkerStartError,
)
from napari_unets.jobs.cluster.executor import Execute, on_cluster
from napari_unets.jobs.cluster.probe import Probe, probe_beside
from napari_unets.jobs.cluster.size import plan_workers
from napari_unets.jobs.volumes.errors import BlockWriteError


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "out.parts").mkdir()
    return tmp_path / "out"


def written(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(f"{output}.parts").glob("*.block")}


def expected(n: int) -> dict[str, bytes]:
    return {f"{i}.block": bytes([i % 251]) * 1000 for i in range(n)}


def nothing_is_left(output: Path) -> bool:
    return not list(output.parent.glob(".*"))


def parts(n: int) -> list[Part]:
    return [Part(i) for i in range(n)]


@pytest.fixture(scope="module")
def execute() -> Iterator[Execute]:
    """Two workers of this machine, for all tests that leave them as they are."""
    with on_cluster(workers=2, run=run_part) as execute:
        yield execute


class TestOnThisMachine:
    def test_two_workers(self, output: Path) -> None:
        with on_cluster(workers=2, run=run_part) as execute:
            records = list(execute(Volume(output, seconds=0.02), parts(120)))  # one may start a second after the other
        assert sorted(record.number for record in records) == list(range(120))
        assert written(output) == expected(120)
        pids = {record.pid for record in records}
        assert len(pids) == 2
        assert os.getpid() not in pids
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert nothing_is_left(output)

    def test_one_that_dies_is_replaced_and_its_block_done_again(self, output: Path, execute) -> None:
        records = list(execute(Volume(output, deadly=3, deaths=1), parts(12)))
        assert sorted(record.number for record in records) == list(range(12))
        assert written(output) == expected(12)

    def test_block_that_kills_every_worker(self, output: Path) -> None:
        with on_cluster(workers=1, run=run_part) as execute:
            running = execute(Volume(output, deadly=0), parts(1))
            with pytest.raises(BlockDeadlyError, match=r"block 0 .*SIGKILL.*--resume") as caught:
                list(running)
        assert len(list(Path(f"{output}.parts").glob("begun-0-*"))) == 3
        assert "last words" in caught.value.log

    def test_errors_of_a_block(self, output: Path, execute) -> None:
        with pytest.raises(BadBlockError, match="the disk is full"):
            list(execute(Volume(output, bad=1), parts(3)))
        with pytest.raises(JobCrashedError, match="a bug"):
            list(execute(Volume(output, crashing=1), parts(3)))
        assert len(list(execute(Volume(output), parts(3)))) == 3  # the workers are none the worse
        assert nothing_is_left(output)

    def test_cancel(self, output: Path) -> None:
        seen = threading.Event()
        with on_cluster(workers=1, run=run_part, cancel=seen.is_set) as execute:
            records = []
            for record in execute(Volume(output, seconds=0.05), parts(10_000)):
                records.append(record)
                seen.set()
        assert 1 <= len(records) <= 10
        assert len(written(output)) < 20

    def test_leaving_the_loop_ends_the_run(self, output: Path, execute) -> None:
        running = execute(Volume(output, seconds=0.02), parts(10_000))
        next(running)
        running.close()
        assert nothing_is_left(output)
        time.sleep(0.5)
        assert len(written(output)) < 20

    def test_processes_that_cannot_start(self, output: Path, monkeypatch) -> None:
        monkeypatch.setattr("napari_unets.jobs.worker.process._BOOTSTRAP", "print('no such luck'); raise SystemExit(3)")
        with (
            on_cluster(workers=2, run=run_part) as execute,
            pytest.raises(WorkerStartError, match="ended with code 3") as caught,
        ):
            list(execute(Volume(output), parts(3)))
        assert "no such luck" in caught.value.log

    def test_gpus_and_threads_are_dealt_out(self, output: Path, monkeypatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
        monkeypatch.setattr("napari_unets.jobs.cluster.size.usable_cores", lambda: 6)
        seen: dict[str, str] = {}
        with on_cluster(workers="auto", run=run_part) as execute:
            running = execute(Volume(output, seconds=0.05), parts(1000))
            for record in running:  # until the second one, which may start seconds after the first, has had a part
                seen[record.gpu] = record.threads
                if len(seen) == 2:
                    break
            running.close()
        assert seen == {"4": "3", "7": "3"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler; the tests in their order give it workers, and the last one kills it."""
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.close()


class TestElsewhere:
    def test_workers_that_come_late(self, cluster: Cluster, output: Path) -> None:
        told = []

        def tell(text: str) -> None:
            told.append(text)
            if len(told) == 1:
                cluster.add_worker("--no-nanny")

        with on_cluster(cluster.address, run=run_part, tell=tell) as execute:
            assert len(list(execute(Volume(output), parts(5)))) == 5
        assert "no workers" in told[0]
        assert "goes on" in told[1]

    def test_output_that_the_workers_do_not_see(self, cluster: Cluster, output: Path, monkeypatch) -> None:
        written_text = Path.write_text

        def write_elsewhere(path: Path, text: str) -> int:
            return written_text(path, "on another disk" if path.suffix == ".run" else text)

        monkeypatch.setattr(Path, "write_text", write_elsewhere)
        with (
            on_cluster(cluster.address, run=run_part) as execute,
            pytest.raises(OutputNotSharedError, match="does not see"),
        ):
            list(execute(Volume(output), parts(5)))
        assert not written(output)

    def test_another_version(self, cluster: Cluster, output: Path, monkeypatch) -> None:
        monkeypatch.setattr("napari_unets.jobs.cluster.probe.metadata.version", lambda _: "99.0")
        with (
            on_cluster(cluster.address, run=run_part) as execute,
            pytest.raises(WorkerMismatchError, match=r"but this is 99\.0"),
        ):
            list(execute(Volume(output), parts(5)))

    def test_worker_that_is_killed_in_the_middle(self, cluster: Cluster, output: Path) -> None:
        cluster.add_worker("--no-nanny")
        cluster.wait_for_workers(2)
        killed = None
        records = []
        with on_cluster(cluster.address, run=run_part) as execute:
            for record in execute(Volume(output, seconds=0.05), parts(60)):
                records.append(record)
                if killed is None and len({record.pid for record in records}) == 2:
                    killed = record.pid
                    psutil.Process(killed).kill()
        assert killed is not None
        assert sorted(record.number for record in records) == list(range(60))
        assert written(output) == expected(60)

    def test_tasks_that_somebody_cancels(self, cluster: Cluster, output: Path) -> None:
        with on_cluster(cluster.address, run=run_part) as execute:
            running = execute(Volume(output, seconds=0.05), parts(1000))
            next(running)
            with Client(cluster.address, set_as_default=False) as other:
                other.restart(wait_for_workers=False)  # ends the workers, too, since they have no nannies
            with pytest.raises(SchedulerLostError, match="--resume"):
                list(running)

    def test_scheduler_that_dies(self, cluster: Cluster, output: Path) -> None:
        cluster.add_worker("--no-nanny")
        with on_cluster(cluster.address, run=run_part) as execute:
            running = execute(Volume(output, seconds=0.05), parts(1000))
            next(running)
            cluster.scheduler.kill()
            with pytest.raises(SchedulerLostError, match="--resume"):
                list(running)
        assert written(output).items() <= expected(1000).items()

    def test_nobody_answers(self, monkeypatch) -> None:
        monkeypatch.setattr("napari_unets.jobs.worker.remote._CONNECT_S", 0.5)
        with (
            pytest.raises(SchedulerUnreachableError, match=r"tcp://127\.0\.0\.1:9"),
            on_cluster("tcp://127.0.0.1:9", run=run_part),
        ):
            pass

    def test_something_else_answers(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def greet() -> None:
                with server.accept()[0] as connection:
                    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
                    connection.recv(1)

            threading.Thread(target=greet, daemon=True).start()
            with (
                pytest.raises(SchedulerUnreachableError, match="Something else"),
                on_cluster(f"tcp://127.0.0.1:{server.getsockname()[1]}", run=run_part),
            ):
                pass


class TestProbe:
    def test_of_a_run_that_was_killed_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / ".out.0123.run").write_text("0123")
        with probe_beside(tmp_path / "out") as probe:
            assert [path.name for path in tmp_path.iterdir()] == [Path(probe.path).name]
            probe.check()
            assert probe.is_there
        assert not probe.is_there
        assert not list(tmp_path.iterdir())

    def test_what_killed_runs_have_left_is_removed_whatever_the_name(self, tmp_path: Path) -> None:
        for name in ("out[1].ome.zarr", "out1.ome.zarr"):
            (tmp_path / f".{name}.0123456789ab.run").touch()
        with probe_beside(tmp_path / "out[1].ome.zarr"):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [".out1.ome.zarr.0123456789ab.run"]

    def test_full_disk(self, tmp_path: Path, monkeypatch) -> None:
        def full(path: Path, _: str) -> None:
            path.touch()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(BlockWriteError, match=r"out: nothing can be written beside it \(No space left"):
            probe_beside(tmp_path / "out").__enter__()
        assert not list(tmp_path.iterdir())

    def test_folder_that_may_not_be_written_to(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)
        with probe_beside(tmp_path / "out") as probe, pytest.raises(OutputNotSharedError, match="may not write"):
            probe.check()

    def test_waits_for_a_slow_file_system(self, tmp_path: Path) -> None:
        with probe_beside(tmp_path / "out") as real:
            late = Probe(str(tmp_path / "late.run"), real.token, real.version)
            timer = threading.Timer(0.2, Path(late.path).write_text, [real.token])
            timer.start()
            late.check()
            timer.join()

    def test_waits_for_what_is_in_a_file_that_is_seen_already(self, tmp_path: Path) -> None:
        with probe_beside(tmp_path / "out") as real:
            late = Probe(str(tmp_path / "late.run"), real.token, real.version)
            Path(late.path).write_text(real.token[:5])
            timer = threading.Timer(0.2, Path(late.path).write_text, [real.token])
            timer.start()
            late.check()
            timer.join()

    def test_of_another_run(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr("napari_unets.jobs.cluster.probe._PATIENCE_S", 0.0)
        with probe_beside(tmp_path / "out") as real, pytest.raises(OutputNotSharedError, match="does not see"):
            Probe(real.path, "another", real.version).check()


class TestPlan:
    @pytest.mark.parametrize(
        ("workers", "gpus", "cores", "plan"),
        [
            (1, (), 8, (1, 8)),
            (3, (), 8, (3, 2)),
            (16, (), 8, (16, 1)),
            ("auto", ("0", "1", "2"), 24, (3, 8)),
            ("auto", (), 3, (1, 3)),
        ],
    )
    def test_shares(self, workers, gpus, cores, plan) -> None:
        made = plan_workers(workers, gpus=gpus, cores=cores)
        assert (made.workers, made.threads) == plan

    def test_memory_bounds_the_automatic_number(self, monkeypatch) -> None:
        monkeypatch.setattr("psutil.virtual_memory", lambda: type("Memory", (), {"available": 7 << 30})())
        assert plan_workers("auto", gpus=(), cores=64).workers == 2

    def test_an_apple_chip_has_one_gpu(self, monkeypatch) -> None:
        monkeypatch.setattr("sys.platform", "darwin")
        monkeypatch.setattr("platform.machine", lambda: "arm64")
        assert plan_workers("auto", gpus=(), cores=12).workers == 1

    def test_more_workers_than_gpus_share_them(self) -> None:
        plan = plan_workers(3, gpus=("0", "1"), cores=3)
        assert [plan.environment(i)["CUDA_VISIBLE_DEVICES"] for i in range(3)] == ["0", "1", "0"]
        assert plan_workers(3, gpus=(), cores=3).environment(0) == {}


def test_needs_one_of_address_and_workers() -> None:
    for wrong in ({}, {"address": "tcp://here:1", "workers": 2}):
        with pytest.raises(ValueError, match="either"), on_cluster(**wrong):
            pass
