"""How long a volume will take and how large it will be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.cli import main
from napari_unets.cli.estimate import _size, _time
from napari_unets.images import save_stack
from napari_unets.inference import InferenceSettings, Predictor
from napari_unets.jobs.volumes.estimating import VolumeEstimate, estimate_volume
from napari_unets.jobs.volumes.job import plan_volume
from napari_unets.jobs.volumes.run import run_volume
from napari_unets.models import load_model, save_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("estimate")
    save_stack(folder / "image.tif", np.random.default_rng(0).integers(0, 255, (40, 96, 80)).astype(np.uint8))
    model = tiny_model()
    save_model(model.network, model.card, folder / "model")
    return folder


def test_agrees_with_the_run(folder: Path) -> None:
    output = folder / "out.ome.zarr"
    with Predictor(load_model(folder / "model"), InferenceSettings(backend="torch", device="cpu")) as predictor:
        made = estimate_volume(folder / "image.tif", output, predictor)
        assert not output.exists()
        job = plan_volume(folder / "image.tif", output, predictor)
        report = run_volume(job, predictor=predictor)
    assert made.shape == (40, 96, 80)
    assert made.input_bytes == 40 * 96 * 80
    assert made.blocks == report.blocks == 3
    assert made.block == job.block
    written = sum(path.stat().st_size for path in output.rglob("*") if path.is_file() and path.name != "zarr.json")
    assert written / 4 < made.output_bytes < written * 4
    assert 0 < made.computing < 100 * report.computing


def test_more_workers_take_less_time_but_no_less_than_a_block() -> None:
    made = VolumeEstimate((4, 8, 8), (1, 8, 8), 10, reading=1.0, computing=20.0, input_bytes=1, output_bytes=1)
    assert made.seconds() == pytest.approx(20)
    assert made.seconds(4) == pytest.approx(6)  # three rounds
    assert made.seconds(1000) == pytest.approx(2)


def test_command(folder: Path, capsys) -> None:
    arguments = ["segment", str(folder / "image.tif"), "--output", str(folder / "new.ome.zarr"), "--estimate"]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--model", str(folder / "model"), "--backend", "torch"])
    assert end.value.code == 0
    told = capsys.readouterr().out
    for text in ("40 × 96 × 80", "307 kB to be read", "3, of 16 × 96 × 80 voxels", "time, this process"):
        assert text in told
    assert not (folder / "new.ome.zarr").exists()


def test_command_for_a_tiff(folder: Path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["segment", str(folder / "image.tif"), "--output", str(folder / "new.tif"), "--estimate"])
    assert end.value.code == 1
    assert "only an .ome.zarr" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.123, "0.12 s"), (200, "3 min"), (10_000, "2.8 h"), (1e6, "11.6 days")]
)
def test_times(seconds: float, text: str) -> None:
    assert _time(seconds) == text


@pytest.mark.parametrize(("nbytes", "text"), [(12, "12 B"), (1.23e9, "1.23 GB"), (1e12, "1 TB"), (5e15, "5e+03 TB")])
def test_sizes(nbytes: float, text: str) -> None:
    assert _size(nbytes) == text
