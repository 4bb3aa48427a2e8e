"""Fine-tuning as a job: its events, its folder, and what a kill of the worker leaves."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.images import as_stack
from napari_unets.inference import InferenceSettings, class_ids, iter_tiles, segment
from napari_unets.jobs.errors import WorkerDiedError
from napari_unets.jobs.tasks.suggesting import look_for_doubt
from napari_unets.jobs.tasks.tuning import TuningPreview, TuningScores, TuningStep, TuningSummary, tune
from napari_unets.jobs.tasks.tuning_folder import TuningFolder, TuningPlan, unfinished_run
from napari_unets.learning import SparseAnnotations, fit
from napari_unets.learning.checkpoint import CheckpointError
from napari_unets.models import load_model, save_model

QUICK = {
    "steps": 12,
    "batch": 1,
    "patch": 32,
    "precision": "fp32",
    "validate_every": 4,
    "checkpoint_every": 2,
    "learning_rate": 1e-3,
}


@pytest.fixture
def model(tmp_path) -> Path:
    made = tiny_model()
    return save_model(made.network, made.card, tmp_path / "tiny")


@pytest.fixture
def painted() -> tuple[np.ndarray, SparseAnnotations]:
    rng = np.random.default_rng(0)
    truth = np.full((3, 96, 160), 2, np.uint8)
    truth[:, 20:70, 30:120] = 1
    image = (np.where(truth == 1, 60, 180) + rng.normal(0, 15, truth.shape)).clip(0, 255).astype(np.uint8)
    strokes = np.zeros((96, 160), np.uint8)
    for row in (8, 30, 50, 85):
        strokes[row : row + 4] = truth[1, row : row + 4]
    return image, SparseAnnotations(image.shape, {1: strokes})


def finish(generator):
    """Run a generator to its end: its events and what it returned."""
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as end:
            return events, end.value


def steps_of(events) -> dict[int, float]:
    return {e.step: e.loss for e in events if isinstance(e, TuningStep)}


def test_events_and_result(tmp_path, model, painted) -> None:
    image, annotations = painted
    folder = TuningFolder(tmp_path / "run")
    folder.ask_for(2, (slice(10, 60), slice(20, 90)))
    events, summary = finish(
        tune(model, image, annotations, folder.path, settings=QUICK, name="mine", parent="origin", first_preview_s=0)
    )
    assert list(steps_of(events)) == list(range(1, 13))
    assert [e.step for e in events if isinstance(e, TuningScores)] == [0, 4, 8, 12]
    first, *_, last = (e for e in events if isinstance(e, TuningPreview))
    preview = first
    assert preview.plane == 2
    assert sum(tile.ids.size for tile in preview.tiles) >= 50 * 70
    assert set(np.unique(preview.tiles[0].ids)) <= {1, 2}
    assert isinstance(summary, TuningSummary)
    assert summary.finished
    assert summary.step == 12
    assert (summary.card.name, summary.card.parent) == ("mine", "origin")
    saved = load_model(summary.model)
    assert saved.card.training is not None
    assert segment(saved, image, backend="torch").shape == image.shape
    assert last is events[-1]
    seen = iter_tiles(
        saved, as_stack(image), settings=InferenceSettings(backend="torch"), planes=[2], window=folder.view().window
    )
    kept = [class_ids(tile.probabilities, saved.card.threshold) for tile in seen]
    np.testing.assert_array_equal([tile.ids for tile in last.tiles], kept)


def test_a_run_that_came_apart_says_so(tmp_path, model, painted, monkeypatch) -> None:
    make_step = fit._step

    def step(state, *arguments):
        return None if state.step == 6 else make_step(state, *arguments)

    monkeypatch.setattr(fit, "_step", step)
    _, summary = finish(tune(model, *painted, tmp_path / "run", settings=QUICK))
    assert (summary.step, summary.finished, summary.diverged) == (6, True, True)


def test_a_state_that_cannot_be_kept_is_told(tmp_path, model, painted) -> None:
    (tmp_path / "run" / "checkpoint.safetensors.part").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors: the state of the run .* cannot be kept"):
        finish(tune(model, *painted, tmp_path / "run", settings=QUICK))


def test_rounds_add_up_on_the_card(tmp_path, model, painted) -> None:
    """Each round begins with the model of the last one, which is kept nowhere else."""
    begin_with, steps, cards = model, [], []
    parent = load_model(model).card
    for number in range(3):
        place = tmp_path / f"round{number}"
        few = QUICK | {"steps": 2 + number, "validate_every": 1, "start_share": 0}  # so few steps show in all weights
        known = {"parent": parent.name, "name": "mine", "pixel_size_nm": 10.0}
        _, summary = finish(tune(begin_with, *painted, place, settings=few, **known))
        begin_with, training = summary.model, load_model(summary.model).card.training
        assert training is not None
        steps.append((training.steps, training.history[-1]["step"]))
        cards.append(summary.card)
    assert steps == [(2, 2), (5, 5), (9, 9)]
    assert {card.parent for card in cards} == {parent.signature}
    assert {card.title for card in cards} == {f"{parent.title}, tuned"}
    assert {card.pixel_size_nm for card in cards} == {10.0}
    # Not four: a round that is no better than what it began with ends with the same weights.
    assert len({card.weights_sha256 for card in cards} | {parent.weights_sha256}) > 1


def test_stop_keeps_a_model_and_resume_goes_on_as_if_nothing_was(tmp_path, model, painted) -> None:
    image, annotations = painted
    whole, _ = finish(tune(model, image, annotations, tmp_path / "whole", settings=QUICK))
    calls = iter(range(100))
    first, stopped = finish(
        tune(model, image, annotations, tmp_path / "run", settings=QUICK, cancel=lambda: next(calls) >= 4)
    )
    assert not stopped.finished
    assert load_model(stopped.model).network is not None
    rest, summary = finish(tune(model, image, annotations, tmp_path / "run", settings=QUICK, resume=True))
    assert summary.finished
    assert steps_of(first) | steps_of(rest) == pytest.approx(steps_of(whole))


def test_killed_worker_leaves_the_checkpoint(tmp_path, model, painted, worker, run, ear) -> None:
    image, annotations = painted
    folder = TuningFolder(tmp_path / "run")
    settings = QUICK | {"steps": 400}
    some_done = threading.Event()

    def on_event(event) -> None:
        ear.on_event(event)
        if isinstance(event, TuningStep) and event.step >= 5:
            some_done.set()

    callbacks = ear.callbacks | {"on_event": on_event}
    job = worker.submit(tune, model, image, annotations, folder.path, settings=settings, **callbacks)
    assert some_done.wait(120)
    os.kill(worker.pid, signal.SIGKILL)
    assert job.wait(120)
    assert isinstance(job.error, WorkerDiedError)
    assert folder.checkpoint.is_file()
    reached = max(steps_of(ear.events))
    job, later = run(tune, model, image, annotations, folder.path, settings=QUICK | {"steps": reached + 6}, resume=True)
    assert job.error is None
    assert job.result.finished
    first = min(steps_of(later.events))
    assert 4 < first <= reached + 2
    assert steps_of(later.events)[first] > 0


def test_doubt_is_looked_for_where_nothing_is_annotated(model, painted, run) -> None:
    image, annotations = painted
    found = run.result(look_for_doubt, model, image, annotations, spot=32)
    assert [one.plane for one in found] == [0, 2]
    assert all(one.spot is not None and not one.annotated for one in found)


def test_folder_of_a_run(tmp_path) -> None:
    runs = tmp_path / "runs"
    folder = TuningFolder.new(runs, "Sections 1/2")
    assert folder.path.parent == runs
    assert folder.view() is None
    assert folder.plan is None
    assert not folder.can_resume
    plan = TuningPlan(model="tiny", parent="tiny", image="a", settings={"steps": 3}, classes=[], name="tiny-2")
    folder.write_plan(plan)
    assert folder.plan == plan
    assert folder.is_in_use
    assert not folder.can_resume
    folder.checkpoint.write_bytes(b"x")
    assert folder.can_resume
    assert unfinished_run(runs) is None  # this very process may still be at it
    folder.write_plan(plan.model_copy(update={"pid": 2**22 + 1}))
    found = unfinished_run(runs)
    assert found is not None
    assert found.path == folder.path
    folder.write_plan(plan.model_copy(update={"pid": 2**22 + 1, "finished": True}))
    assert unfinished_run(runs) is None


def test_only_the_latest_runs_are_kept(tmp_path) -> None:
    for number in range(7):
        folder = TuningFolder(tmp_path / str(number))
        gone = TuningPlan(model="a", parent="a", image="b", settings={}, classes=[], name="c", pid=2**22 + 1)
        folder.write_plan(gone)
        os.utime(folder.path / "plan.json", (number, number))
    new = TuningFolder.new(tmp_path, "image")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3", "4", "5", "6"]
    assert not new.path.exists()
