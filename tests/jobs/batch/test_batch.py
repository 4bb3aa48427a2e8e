"""One model over many inputs: done, skipped, failed, and why."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_unets.images import open_stack, save_stack
from napari_unets.inference import DeviceError, Predictor, predict, segment
from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs.batch import run as batch_module
from napari_unets.jobs.batch.events import BatchItem, BatchJob, BatchLog, Ended, Progress, Queued, Ready, Started
from napari_unets.jobs.batch.plan import BatchPlanError, OutputsExistError
from napari_unets.jobs.batch.run import make_batch, run_batch
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.jobs.volumes.ledger import ledger_path
from napari_unets.jobs.worker.kept import KEPT
from napari_unets.models import UnknownModelError, load_model, new_model, save_model
from tests.jobs.batch_support import SETTINGS, Heard, batch, save_image, save_tiny


@pytest.fixture
def _nothing_kept():
    KEPT.release()


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def three(tmp_path) -> list[str]:
    """Two good images and, between them, a file that is none."""
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0nonsense")
    return [save_image(tmp_path / "a.tif"), str(bad), save_image(tmp_path / "c.tif", seed=1)]


def make(job, **keywords) -> Heard:
    heard = Heard()
    make_batch(job, heard, **keywords)
    return heard


def in_python(model, source, function=segment, **settings):
    with open_stack(source) as stack:
        return function(load_model(model), stack, settings=SETTINGS, **settings)


def pixels(path):
    with open_stack(path) as stack:
        return stack[...]


@pytest.mark.parametrize("kind", ["segmentation", "probabilities", "instances"])
def test_outputs_are_those_of_python(model, out, tmp_path, kind):
    source = save_image(tmp_path / "a.tif")
    settings = {} if kind == "probabilities" else {"threshold": 0.45}
    made = {**settings, "min_size": 3} if kind == "instances" else settings
    heard = make(batch(model, out, source, kind=kind, **made))
    assert heard.statuses == ["done"]
    expected = {
        "segmentation": lambda: in_python(model, source, **settings),
        "probabilities": lambda: in_python(model, source, predict),
        "instances": lambda: in_python(model, source, instances=True, **made),
    }[kind]()
    np.testing.assert_allclose(pixels(out / "a.tif"), expected, atol=1e-6)


def test_one_bad_file_does_not_stop_the_others(model, out, three):
    heard = make(batch(model, out, *three))
    assert heard.statuses == ["done", "failed", "done"]
    assert heard.rows[1].reason.startswith(f"{three[1]}: ")
    assert heard.rows[1].details == ""
    assert sorted(path.name for path in out.iterdir()) == ["a.tif", "c.tif"]
    np.testing.assert_array_equal(pixels(out / "c.tif"), in_python(model, three[2]))


@pytest.mark.usefixtures("_nothing_kept")
def test_events_come_in_order_and_the_model_is_loaded_once(model, out, three, monkeypatch):
    made = []
    monkeypatch.setattr("napari_unets.inference.Predictor", lambda *args: made.append(args) or Predictor(*args))
    heard = make(batch(model, out, *three))
    told = [event for event in heard.events if not isinstance(event, Progress)]
    assert [type(event) for event in told] == [Queued, Started, Ready, Ended, Started, Ended, Started, Ended]
    assert len(told[0].items) == 3
    assert (told[2].backend, told[2].device) == ("torch", "cpu")
    assert len(made) == 1


def test_progress_is_told_but_not_all_the_time(model, out, tmp_path, monkeypatch):
    source = save_image(tmp_path / "a.tif", shape=(6, 40, 48))
    assert not [e for e in make(batch(model, out / "1", source)).events if isinstance(e, Progress)][6:]
    monkeypatch.setattr(batch_module, "_TELL_S", 0)
    told = [e for e in make(batch(model, out / "2", source)).events if isinstance(e, Progress)]
    assert [(e.done, e.total) for e in told] == [(i, 6) for i in range(1, 7)]


def test_a_missing_input_and_an_unexpected_error_are_rows_too(model, out, three, tmp_path, monkeypatch):
    def crash(model, stack, **_):
        raise ZeroDivisionError("for the test")

    missing = str(tmp_path / "no-such.tif")
    monkeypatch.setattr("napari_unets.inference.segment", crash)
    heard = make(batch(model, out, missing, three[0]))
    assert heard.statuses == ["failed", "failed"]
    assert "there is no such file" in heard.rows[0].reason
    assert heard.rows[1].reason == "a bug: ZeroDivisionError: for the test"
    assert "Traceback" in heard.rows[1].details
    assert list(out.iterdir()) == []


def test_a_full_disk_fails_the_row_in_the_systems_words(model, out, three, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr("napari_unets.jobs.batch.making.make_output", full)
    assert make(batch(model, out, three[0])).rows[0].reason == "somewhere: No space left on device"


def test_an_error_can_end_it(model, out, three):
    heard = Heard()
    with pytest.raises(Exception, match=r"bad\.tif"):
        make_batch(batch(model, out, three[1], three[0]), heard, stop_at_error=True)
    assert heard.statuses == ["failed", "queued"]


def test_a_model_that_cannot_run_ends_it_at_once(model, out, three):
    heard = Heard()
    with pytest.raises(DeviceError):
        make_batch(batch(model, out, *three, settings=InferenceSettings(device="cuda:77")), heard)
    assert heard.statuses == ["failed", "queued", "queued"]
    with pytest.raises(UnknownModelError):
        make(batch(out / "no-model", out, *three))


def test_what_is_there_is_refused_before_anything_is_computed(model, out, three):
    make(batch(model, out, three[0]))
    before = (out / "a.tif").read_bytes()
    heard = Heard()
    with pytest.raises(OutputsExistError, match=r"a\.tif: there already; resume") as refused:
        make_batch(batch(model, out, *three), heard)
    assert (heard.events, refused.value.targets) == ([], [out / "a.tif"])
    again = pickle.loads(pickle.dumps(refused.value))
    assert (again.targets, str(again)) == ([out / "a.tif"], str(refused.value))
    assert (out / "a.tif").read_bytes() == before


def test_two_outputs_in_one_place_are_refused(model, out, three):
    same = BatchItem((three[0],), out / "x.tif"), BatchItem((three[2],), out / "x.tif")
    with pytest.raises(BatchPlanError, match="would both be written to"):
        make(BatchJob(model, same))
    with pytest.raises(BatchPlanError, match="is an input"):
        make(BatchJob(model, (BatchItem((three[0],), Path(three[0])),), existing="overwrite"))


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need a right on Windows")
def test_an_input_is_not_overwritten_through_a_link(model, three, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    item = BatchItem((three[0],), tmp_path / "link" / "a.tif")
    before = Path(three[0]).read_bytes()
    with pytest.raises(BatchPlanError, match="is an input"):
        make(BatchJob(model, (item,), existing="overwrite"))
    assert Path(three[0]).read_bytes() == before


def test_an_output_in_the_home_folder(model, three, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert make(batch(model, Path("~/out"), three[0])).statuses == ["done"]
    assert (tmp_path / "out" / "a.tif").is_file()
    assert not Path("~").exists()


def test_overwrite_makes_all_anew(model, out, three):
    out.mkdir()
    (out / "a.tif").write_bytes(b"somebody's")
    assert make(batch(model, out, three[0], existing="overwrite")).statuses == ["done"]
    np.testing.assert_array_equal(pixels(out / "a.tif"), in_python(model, three[0]))


@pytest.mark.usefixtures("_nothing_kept")
def test_resume_skips_what_matches_without_loading_the_model(model, out, three, monkeypatch):
    make(batch(model, out, three[0], three[2]))
    times = [path.stat().st_mtime_ns for path in sorted(out.iterdir())]
    monkeypatch.setattr("napari_unets.inference.Predictor", None)
    heard = make(batch(model, out, three[0], three[2], existing="resume"))
    assert heard.statuses == ["skipped", "skipped"]
    assert {row.reason for row in heard.rows} == {"it is there and matches"}
    assert [path.stat().st_mtime_ns for path in sorted(out.iterdir())] == times
    assert heard.ready is None


def test_resume_makes_what_is_missing(model, out, three):
    make(batch(model, out, three[0]))
    assert make(batch(model, out, three[0], three[2], existing="resume")).statuses == ["skipped", "done"]


def resumed(model, out, source, **how):
    """The row of a run over an output that is there."""
    (row,) = make(batch(model, out, source, existing="resume", **how)).rows
    return row.status, row.reason


def test_resume_sees_a_changed_input(model, out, tmp_path):
    source = save_image(tmp_path / "a.tif")
    make(batch(model, out, source))
    save_image(tmp_path / "a.tif", seed=5)  # of the same size
    assert resumed(model, out, source) == ("done", "made anew: a.tif has changed")
    np.testing.assert_array_equal(pixels(out / "a.tif"), in_python(model, source))
    os.utime(source, ns=(1, 1))
    assert resumed(model, out, source) == ("done", "made anew: a.tif has changed")
    assert resumed(model, out, source)[0] == "skipped"


def test_resume_sees_another_model_but_not_another_title(model, out, three, tmp_path):
    make(batch(model, out, three[0]))
    other = save_tiny(tmp_path / "tiny", seed=1)
    assert resumed(other, out, three[0]) == ("done", "made anew: the model is another one")
    renamed = save_tiny(tmp_path / "more" / "tiny", seed=1, title="Tuned", description="words")
    assert resumed(renamed, out, three[0])[0] == "skipped"
    stricter = save_tiny(tmp_path / "even" / "tiny", seed=1, threshold=0.7)
    assert resumed(stricter, out, three[0])[0] == "done"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"settings": SETTINGS.model_copy(update={"tta": True})}, "tta was False and is True"),
        ({"settings": SETTINGS.model_copy(update={"halo": 4})}, "halo was card and is 4"),
        ({"threshold": 0.25}, "threshold was not set and is 0.25"),
        ({"kind": "instances"}, "kind was segmentation and is instances"),
    ],
)
def test_resume_sees_another_setting(model, out, three, how, reason):
    make(batch(model, out, three[0]))
    assert resumed(model, out, three[0], **how) == ("done", f"made anew: {reason}")
    assert resumed(model, out, three[0], **how)[0] == "skipped"


def test_where_it_ran_does_not_matter_to_resume(model, out, three):
    make(batch(model, out, three[0]))
    elsewhere = SETTINGS.model_copy(update={"device": "auto", "threads": 1, "batch": 2})
    assert resumed(model, out, three[0], settings=elsewhere)[0] == "skipped"


def test_resume_never_replaces_what_it_did_not_write(model, out, three):
    out.mkdir()
    shutil.copy(three[2], out / "a.tif")
    before = (out / "a.tif").read_bytes()
    status, reason = resumed(model, out, three[0])
    assert status == "failed"
    assert reason.startswith(f"{out / 'a.tif'}: is there, but not as this program left it")
    assert (out / "a.tif").read_bytes() == before


def test_an_output_saved_again_from_napari_is_a_persons(model, out, three):
    from napari_unets.widgets.files.writers import write_labels

    make(batch(model, out, three[0]))
    with open_stack(out / "a.tif") as stack:
        corrected, metadata = stack[...].copy(), stack.metadata
    corrected[0, :5] = 1
    write_labels(str(out / "a.tif"), corrected, {"metadata": metadata})
    assert resumed(model, out, three[0])[0] == "failed"
    np.testing.assert_array_equal(pixels(out / "a.tif"), corrected)
    with open_stack(out / "a.tif") as stack:
        assert stack.metadata["napari_unets"]["model"] == "tiny"


@pytest.mark.parametrize("suffix", [".tif", ".png", ".pdf"])
def test_every_format_keeps_what_it_was_made_from(model, out, tmp_path, suffix):
    source = save_image(tmp_path / "a.tif", shape=(1, 40, 48))
    job = BatchJob(model, (BatchItem((source,), out / f"a{suffix}"),), OutputSettings(kind="clean"), SETTINGS, "resume")
    assert make(job).statuses == ["done"]
    assert make(job).statuses == ["skipped"]
    save_image(tmp_path / "a.tif", seed=3, shape=(1, 40, 48))
    assert make(job).rows[0].reason == "made anew: a.tif has changed"


def test_a_volume_is_skipped_or_gone_on_with_but_not_replaced(model, out, tmp_path):
    source = save_image(tmp_path / "a.tif")
    job = BatchJob(model, (BatchItem((source,), out / "a.ome.zarr"),), OutputSettings(), SETTINGS, "resume")
    assert make(job).statuses == ["done"]
    np.testing.assert_array_equal(pixels(out / "a.ome.zarr"), in_python(model, source))
    assert make(job).statuses == ["skipped"]
    save_image(tmp_path / "a.tif", seed=3)
    assert "cannot be resumed: a.tif has changed" in make(job).rows[0].reason


@pytest.mark.parametrize("suffix", [".tif", ".ome.zarr"])
def test_probabilities_of_three_classes_over_time(out, tmp_path, suffix):
    made = new_model("three", "unet", ("a", "b", "c"), settings={"width": 4, "depth": 1})
    three = save_model(made.network, made.card, tmp_path / "three")
    values = np.random.default_rng(0).integers(0, 255, (2, 3, 40, 48), dtype=np.uint8)
    source = str(save_stack(tmp_path / "a.tif", values, axes="tzyx"))
    item = BatchItem((source,), out / f"a{suffix}")
    for ortho in (False, True):
        output = OutputSettings(kind="probabilities", ortho=ortho)
        assert make(BatchJob(three, (item,), output, SETTINGS, "overwrite")).statuses == ["done"]
        expected = in_python(three, source, predict, all_classes=True, ortho=ortho)
        with open_stack(item.target) as stack:
            assert stack.axes == "tczyx"
            np.testing.assert_allclose(stack[...], expected.swapaxes(0, 1), atol=1e-5)


def test_three_orientations_in_the_place_of_a_volume_are_not_taken_for_it(model, out, tmp_path):
    source = save_image(tmp_path / "a.tif", shape=(24, 40, 48))
    item = BatchItem((source,), out / "a.ome.zarr")

    def made(existing, **output):
        return make(BatchJob(model, (item,), OutputSettings(**output), SETTINGS, existing)).rows[0]

    assert made("refuse").status == "done"
    assert made("overwrite", ortho=True).status == "done"
    assert not ledger_path(item.target).exists()
    row = made("resume")
    assert (row.status, "make it anew with --overwrite" in row.reason) == ("failed", True)
    assert made("resume", ortho=True).status == "skipped"


def test_an_input_named_by_an_address_of_this_computer_is_looked_at(model, out, tmp_path):
    source = Path(save_image(tmp_path / "a.tif")).as_uri()
    for suffix, changed in ((".tif", "made anew: a.tif has changed"), (".ome.zarr", "a.tif has changed")):
        save_image(tmp_path / "a.tif")
        job = BatchJob(model, (BatchItem((source,), out / f"a{suffix}"),), OutputSettings(), SETTINGS, "resume")
        assert make(job).statuses == ["done"]
        assert make(job).statuses == ["skipped"]
        save_image(tmp_path / "a.tif", seed=5)
        assert changed in make(job).rows[0].reason


def test_several_sources_of_one_document(model, out, tmp_path):
    a, b = (save_image(tmp_path / f"{name}.tif", shape=(1, 30 + seed, 48), seed=seed) for seed, name in enumerate("ab"))
    target = out / "all.pdf"

    def job(*sources):
        return BatchJob(model, (BatchItem(sources, target),), OutputSettings(kind="clean"), SETTINGS, "resume")

    assert make(job(a)).statuses == ["done"]
    assert make(job(a, b)).rows[0].reason == "made anew: it was not made from b.tif"
    assert make(job(a, b)).statuses == ["skipped"]
    assert make(job(b, a)).rows[0].reason == "made anew: it was made from other inputs, or in another order"


def test_stop_ends_within_a_window_and_leaves_nothing_half(model, out, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_module, "_TELL_S", 0)
    sources = [save_image(tmp_path / f"{name}.tif", shape=(5, 40, 48)) for name in "abc"]
    heard = Heard()
    make_batch(
        batch(model, out, *sources, settings=SETTINGS.model_copy(update={"batch": 1})),
        heard,
        cancel=lambda: any(isinstance(event, Progress) and event.number == 1 for event in heard.events),
    )
    assert heard.statuses == ["done", "stopped", "queued"]
    assert [path.name for path in out.iterdir()] == ["a.tif"]
    assert make(batch(model, out, *sources, existing="resume")).statuses == ["skipped", "done", "done"]


def test_as_a_generator(model, out, three):
    log = BatchLog()
    for event in run_batch(batch(model, out, *three)):
        log.take(event)
    assert log.counts() == {"done": 2, "failed": 1}
    with pytest.raises(OutputsExistError):
        next(run_batch(batch(model, out, *three)))


def test_a_generator_that_is_closed_ends_the_run(model, out, tmp_path):
    sources = [save_image(tmp_path / f"{name}.tif", shape=(30, 40, 48)) for name in "abc"]
    events = run_batch(batch(model, out, *sources))
    assert isinstance(next(events), Queued)
    events.close()
    assert not out.exists() or not list(out.glob("*c.tif"))
    assert not list(out.glob(".*")) if out.exists() else True


def test_in_the_worker_process(run, model, out, three):
    _, ear = run(run_batch, batch(model, out, *three))
    log = BatchLog()
    for event in ear.events:
        log.take(event)
    assert log.counts() == {"done": 2, "failed": 1}
    job, ear = run(run_batch, batch(model, out, *three))
    assert isinstance(job.error, OutputsExistError)
    assert ear.events == []


def test_an_item_is_made_of_paths_too_and_existing_is_one_of_its_words(model, tmp_path, out):
    save_image(tmp_path / "a.tif")
    items = (BatchItem(tmp_path / "a.tif", out / "a.tif"),)
    assert make(BatchJob(model, items, settings=SETTINGS)).statuses == ["done"]
    with pytest.raises(BatchPlanError, match="is one of refuse, resume, overwrite, not 'replace'"):
        make(BatchJob(model, items, existing="replace"))
