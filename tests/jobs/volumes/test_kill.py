"""kill -9 at any moment: what is gone on with ends with the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support import tiny_model

from napari_unets.inference import InferenceSettings
from napari_unets.jobs.volumes.run import run_volume
from napari_unets.models import save_model
from tests.jobs.volume_support import contents, plan, save_volume

pytestmark = [pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"), pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An image, a model, and what undisturbed runs make of them."""
    folder = tmp_path_factory.mktemp("killed")
    save_volume(folder / "in.ome.zarr")
    made = tiny_model(width=4, narrow=4, depth=1)
    save_model(made.network, made.card, folder / "tiny")
    settings = InferenceSettings(precision="fp32", backend="torch", threads=1)
    for kind, what in (("probabilities", {"kind": "probabilities"}), ("neurites", {"kind": "instances", "link": True})):
        job = plan(
            folder / "in.ome.zarr", folder / kind / "out.ome.zarr", _model(folder, kind), settings=settings, **what
        )
        run_volume(job)
    return folder


def _model(folder, kind):
    return "otsu" if kind == "neurites" else folder / "tiny"


def _kill_until_finished(folder, output, kind, how) -> int:
    """Return how many runs it took."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "OMP_NUM_THREADS": "1"}
    arguments = [folder / "in.ome.zarr", output, _model(folder, kind), kind, how]
    done = subprocess.run(
        [sys.executable, "-m", "tests.jobs.killed_runs", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[0])


def _is_as_if_undisturbed(output, undisturbed):
    assert contents(output) == contents(undisturbed)
    assert sorted(path.name for path in output.parent.iterdir()) == [output.name, f"{output.name}.ledger.jsonl"]


@pytest.mark.parametrize(("kind", "seed"), [("probabilities", 1), ("neurites", 2)])
def test_killed_at_random(folder, tmp_path, kind, seed):
    output = tmp_path / "out.ome.zarr"
    _kill_until_finished(folder, output, kind, f"random:{seed}")
    _is_as_if_undisturbed(output, folder / kind / "out.ome.zarr")


@pytest.mark.parametrize("kind", ["probabilities", "neurites"])
def test_killed_at_every_step(folder, tmp_path, kind):
    """Each run dies one step later than the one before: before and after every call that changes the disk."""
    output = tmp_path / "out.ome.zarr"
    runs = _kill_until_finished(folder, output, kind, "steps")
    assert runs > 10
    _is_as_if_undisturbed(output, folder / kind / "out.ome.zarr")
