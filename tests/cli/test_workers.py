"""``segment --workers`` and ``--scheduler``: the same bytes as by one process, whoever dies on the way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from jobs.dask_cluster import Cluster
from jobs.volume_support import contents
from tests_support import tiny_model

from napari_unets.cli import main
from napari_unets.images import open_stack, save_stack
from napari_unets.inference import InferenceSettings, Predictor
from napari_unets.jobs.cluster.executor import on_cluster
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.jobs.volumes.job import VolumeJob, plan_volume
from napari_unets.jobs.volumes.progress import VolumeEvent
from napari_unets.jobs.volumes.run import run_volume
from napari_unets.models import load_model, save_model

SHAPE = (24, 64, 48)
EXACT = InferenceSettings(backend="torch", precision="fp32", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image and a model."""
    folder = tmp_path_factory.mktemp("volume")
    save_stack(folder / "image.tif", np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8))
    model = tiny_model()
    save_model(model.network, model.card, folder / "model")
    return folder


def plan(folder: Path, name: str) -> VolumeJob:
    with Predictor(load_model(folder / "model"), EXACT) as predictor:
        return plan_volume(
            folder / "image.tif",
            folder / name / "out.ome.zarr",
            predictor,
            OutputSettings(kind="probabilities"),  # class ids of a model that knows nothing may all be the same
            block=(1, 1024, 1024),
        )


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, str]:
    """What one process makes."""
    job = plan(folder, "alone")
    run_volume(job)
    found = contents(job.output)
    assert len(set(found.values())) > 24  # a file for each block, and each another one
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.close()


def test_a_scheduler_whose_worker_is_killed_makes_the_same_bytes(folder: Path, expected, cluster: Cluster) -> None:
    job = plan(folder, "elsewhere")
    victim, _ = cluster.add_worker("--no-nanny", "--nthreads", "2"), cluster.add_worker("--no-nanny")
    cluster.wait_for_workers(2)

    def kill(event: VolumeEvent) -> None:
        if event.done == 6:
            psutil.Process(victim.pid).kill()

    with on_cluster(cluster.address) as execute:
        run_volume(job, execute=execute, on_event=kill)
    victim.wait(10)
    assert contents(job.output) == expected


def test_interrupted_and_gone_on_with_by_others(folder: Path, expected, cluster: Cluster, monkeypatch) -> None:
    monkeypatch.setattr("napari_unets.jobs.cluster.size.usable_cores", lambda: 1)  # the last digits depend on it
    job = plan(folder, "twice")

    def interrupt(event: VolumeEvent) -> None:
        if event.done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), on_cluster(cluster.address) as execute:
        run_volume(job, execute=execute, on_event=interrupt)
    with on_cluster(workers=1) as execute:
        report = run_volume(job, execute=execute, resume=True)
    assert 8 <= report.resumed < 24
    assert contents(job.output) == expected
    assert [path.name for path in job.output.parent.iterdir() if path.name.endswith(".run")] == []


def segment(folder: Path, output: str, *options: str) -> int:
    arguments = [
        "segment",
        str(folder / "image.tif"),
        "--output",
        str(folder / output),
        "--model",
        str(folder / "model"),
    ]
    with pytest.raises(SystemExit) as end:
        main([*arguments, *options])
    return int(end.value.code)


@pytest.mark.usefixtures("expected")
def test_command(folder: Path) -> None:
    exact = ("--backend", "torch", "--precision", "fp32", "--device", "cpu")
    assert segment(folder, "command.ome.zarr", "--probabilities", "--workers", "1", *exact) == 0
    with open_stack(folder / "command.ome.zarr") as made, open_stack(folder / "alone" / "out.ome.zarr") as alone:
        np.testing.assert_allclose(made[:], alone[:], atol=1e-6)  # its blocks are larger, so its batches as well


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--workers", "2", "--scheduler", "tcp://here:1"), 2, "choose one of"),
        (("--workers", "none"), 2, "a number from 1, or auto"),
        (("--workers", "0"), 2, "a number from 1, or auto"),
        (("--workers", "2", "--ortho"), 1, "block by block"),
        (("--scheduler", "here"), 1, "No Dask scheduler answers"),
    ],
)
def test_wrong_options(folder: Path, capsys, options, code, message, monkeypatch) -> None:
    monkeypatch.setattr("napari_unets.jobs.worker.remote._CONNECT_S", 0.3)
    assert segment(folder, "wrong.ome.zarr", *options) == code
    assert message in capsys.readouterr().err
    assert not (folder / "wrong.ome.zarr").exists()


def test_tiff_is_not_made_of_blocks(folder: Path, capsys) -> None:
    assert segment(folder, "wrong.tif", "--workers", "2") == 1
    assert "only an .ome.zarr" in capsys.readouterr().err


def test_without_dask(folder: Path) -> None:
    command = ["segment", str(folder / "image.tif"), "--output", str(folder / "no.ome.zarr"), "--workers", "2"]
    program = f"import sys; sys.modules['distributed'] = None; from napari_unets.cli import main; main({command!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'pip install "napari-unets[cluster]"' in done.stderr
