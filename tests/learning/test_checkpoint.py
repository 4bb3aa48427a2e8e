"""The state of a run on disk, as fine-tuning uses it."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.learning.checkpoint import CheckpointError, ResumeWarning
from napari_unets.learning.fine_tuning import fine_tune

IMAGE = np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8)
QUICK = {"device": "cpu", "batch": 1, "patch": 32, "precision": "fp32"}


@pytest.fixture
def strokes() -> np.ndarray:
    strokes = np.zeros((96, 96), np.uint8)
    strokes[20:24], strokes[60:64] = 1, 2
    return strokes


def test_a_checkpoint_is_named_as_people_name_files(strokes, tmp_path) -> None:
    place = tmp_path / "run.safetensors"
    fine_tune(tiny_model(), IMAGE, strokes, steps=1, checkpoint=str(place), **QUICK)
    assert place.exists()


def test_who_has_painted_on_is_told_and_another_seed_is_refused(strokes, tmp_path) -> None:
    run = {"steps": 2, "checkpoint": tmp_path / "run.safetensors", **QUICK}
    fine_tune(tiny_model(), IMAGE, strokes, cancel=lambda: True, **run)
    strokes[2, 2:9] = 2
    with pytest.raises(CheckpointError, match=r"begun: seed was 0 and is 1\. "):
        fine_tune(tiny_model(), IMAGE, strokes, resume=True, seed=1, **run)
    with pytest.warns(ResumeWarning, match="annotations have changed"):
        tuned = fine_tune(tiny_model(), IMAGE, strokes, resume=True, **run)
    assert tuned.card.training.steps == 2


def test_a_run_does_not_go_on_with_other_settings_but_for_its_length(strokes, tmp_path) -> None:
    run = {"checkpoint": tmp_path / "run.safetensors", "resume": True, **QUICK}
    fine_tune(tiny_model(), IMAGE, strokes, steps=2, cancel=lambda: True, **run)
    with pytest.raises(CheckpointError, match=r'begun: batch was 1 and is 2, loss was "bce" and is "mse"\. '):
        fine_tune(tiny_model(), IMAGE, strokes, steps=2, **(run | {"batch": 2, "loss": "mse"}))
    with pytest.raises(CheckpointError, match=r"begun: augment was .*\. "):
        fine_tune(tiny_model(), IMAGE, strokes, steps=2, augment={"noise": 0.5}, **run)
    assert fine_tune(tiny_model(), IMAGE, strokes, steps=3, validate_every=1, **run).card.training.steps == 3


def test_a_checkpoint_is_a_file(strokes) -> None:
    for place in ("", "."):
        with pytest.raises(CheckpointError, match="the checkpoint is to be a file"):
            fine_tune(tiny_model(), IMAGE, strokes, steps=1, checkpoint=place, **QUICK)
