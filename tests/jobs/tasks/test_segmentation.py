"""The segmentation job: the same results as in this process, tile by tile."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tests_support import card_of

from napari_unets.images import open_stack
from napari_unets.inference import InferenceSettings, predict, segment
from napari_unets.jobs.tasks.segmentation import Tile, segment_stack
from napari_unets.jobs.worker.kept import KEPT
from napari_unets.models import UnknownModelError, load_model, save_model
from napari_unets.networks import create_network

PATIENCE = 120.0
SETTINGS = {"device": "cpu", "backend": "torch", "precision": "fp32", "tile": 48, "halo": 16, "batch": 1}


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny", classes=2)


def save_tiny_model(folder: Path, classes: int) -> Path:
    torch.manual_seed(0)
    channels = 1 if classes == 2 else classes
    network = create_network("sf-net", in_channels=1, out_channels=channels, width=4, narrow=4, depth=1)
    save_model(network, card_of(network, halo=16), folder)
    return folder


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 80, 90), dtype=np.uint8)


def assemble(tiles: list[Tile], output: str, like: np.ndarray) -> np.ndarray:
    result = np.zeros_like(like)
    for tile in tiles:
        if output in tile.values:
            result[..., tile.plane, tile.y, tile.x] = tile.values[output]
    return result


def collect(job) -> tuple[list[Tile], object]:
    tiles = []
    while True:
        try:
            tiles.append(next(job))
        except StopIteration as end:
            return tiles, end.value


def test_equals_predict_and_segment(model_folder, image) -> None:
    model = load_model(model_folder)
    outputs = ("segmentation", "probabilities", "instances")
    tiles, summary = collect(segment_stack(model_folder, image, outputs=outputs, min_size=5, settings=SETTINGS))
    expected = {
        "probabilities": predict(model, image, **SETTINGS),
        "segmentation": segment(model, image, **SETTINGS),
        "instances": segment(model, image, instances=True, min_size=5, **SETTINGS),
    }
    for output, values in expected.items():
        np.testing.assert_array_equal(assemble(tiles, output, values), values)
    assert expected["instances"].max() > 1
    assert summary.done == summary.total == tiles[-1].total > 3
    assert (summary.device, summary.backend, summary.precision) == ("cpu", "torch", "fp32")
    assert summary.model == "tiny"


def test_window_of_a_plane(model_folder, image) -> None:
    window = slice(10, 60), slice(20, 80)
    job = segment_stack(
        model_folder, image, planes=[1], window=window, outputs=("segmentation", "instances"), settings=SETTINGS
    )
    tiles, _ = collect(job)
    assert {tile.plane for tile in tiles} == {1}
    (objects,) = (tile for tile in tiles if "instances" in tile.values)
    assert (objects.y, objects.x) == window
    assert objects.values["instances"].shape == (50, 60)


def test_more_classes(tmp_path: Path, image) -> None:
    folder = save_tiny_model(tmp_path / "three", classes=3)
    job = segment_stack(folder, image, outputs=("segmentation", "probabilities"), settings=SETTINGS)
    tiles, _ = collect(job)
    whole = predict(load_model(folder), image, all_classes=True, **SETTINGS)
    np.testing.assert_array_equal(assemble(tiles, "probabilities", whole), whole)
    np.testing.assert_array_equal(
        assemble(tiles, "segmentation", whole[0].astype(np.uint8)), whole.argmax(axis=0).astype(np.uint8) + 1
    )


def test_threshold(model_folder, image) -> None:
    tiles, _ = collect(segment_stack(model_folder, image, threshold=0.0, settings=SETTINGS))
    assert all((tile.values["segmentation"] == 1).all() for tile in tiles)


def test_statistics_of_a_run_serve_the_next(model_folder, image, monkeypatch: pytest.MonkeyPatch) -> None:
    _, summary = collect(segment_stack(model_folder, image, planes=[0], settings=SETTINGS))
    monkeypatch.setattr("napari_unets.inference.stack_statistics", None)
    tiles, _ = collect(segment_stack(model_folder, image, statistics=summary.statistics, settings=SETTINGS))
    assert tiles[-1].done == tiles[-1].total


def test_stopped_run_says_how_far_it_came(model_folder, image) -> None:
    seen = []
    job = segment_stack(model_folder, image, settings=SETTINGS, cancel=lambda: len(seen) >= 2)
    while True:
        try:
            seen.append(next(job))
        except StopIteration as end:
            summary = end.value
            break
    assert len(seen) == summary.done == 2
    assert summary.total > 2


def test_stopped_before_the_image_was_measured(model_folder, image) -> None:
    tiles, summary = collect(segment_stack(model_folder, image, settings=SETTINGS, cancel=lambda: True))
    assert tiles == []
    assert summary.statistics is None
    assert summary.done == 0


def test_predictor_is_kept_for_the_next_run(model_folder, image) -> None:
    collect(segment_stack(model_folder, image, planes=[0], settings=InferenceSettings(**SETTINGS)))
    key = KEPT.key
    assert key is not None
    collect(segment_stack(model_folder, image, planes=[1], settings=SETTINGS))
    assert KEPT.key == key
    collect(segment_stack(model_folder, image, planes=[1], settings={**SETTINGS, "halo": 17}))
    assert KEPT.key != key
    KEPT.release()


class TestInTheWorker:
    def test_file_and_array(self, run, model_folder, image, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "image.tif", image, photometric="minisblack")
        expected = segment(load_model(model_folder), image, **SETTINGS)
        with open_stack(tmp_path / "image.tif") as stack:
            for data in (tmp_path / "image.tif", stack, stack.as_dask(), image):
                job, ear = run(segment_stack, model_folder, data, settings=SETTINGS)
                assert job.error is None
                np.testing.assert_array_equal(assemble(ear.events, "segmentation", expected), expected)
                assert job.result.done == job.result.total

    def test_stop_within_a_window(self, worker, model_folder) -> None:
        image = np.zeros((200, 256, 256), np.uint8)
        begun = threading.Event()
        tiles: list[Tile] = []

        def hear(tile: Tile) -> None:
            tiles.append(tile)
            begun.set()

        job = worker.submit(segment_stack, model_folder, image, settings=SETTINGS, on_event=hear, grace_s=PATIENCE)
        assert begun.wait(PATIENCE)
        job.stop()
        assert job.wait(PATIENCE)
        assert job.stopped
        assert job.result.done == tiles[-1].done < job.result.total

    def test_errors_keep_their_class(self, run, image, tmp_path: Path) -> None:
        job, _ = run(segment_stack, "no-such-model", image)
        assert isinstance(job.error, UnknownModelError)


def test_window_process_needs_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from napari_unets.jobs import Worker;"
        "from napari_unets.jobs.tasks.segmentation import segment_stack;"
        "print(sorted({'torch', 'napari', 'qtpy', 'dask', 'distributed'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
