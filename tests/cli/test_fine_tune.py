"""``napari-unets fine-tune``."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets import learning
from napari_unets.images import open_stack, save_stack
from napari_unets.learning import StepEvent, iter_fine_tune
from napari_unets.models import load_model, save_model


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    truth = np.full((2, 96, 96), 2, np.uint8)
    truth[:, 30:60] = 1
    annotations = np.zeros_like(truth)
    annotations[1, :, 10:80] = truth[1, :, 10:80]
    image = np.where(truth == 1, 60, 180) + rng.normal(0, 10, truth.shape)
    save_stack(tmp_path / "image.tif", image.astype(np.uint8), axes="zyx")
    save_stack(tmp_path / "painted.tif", annotations, axes="zyx", labels=True)
    save_stack(tmp_path / "nothing.tif", annotations * 0, axes="zyx", labels=True)
    model = tiny_model()
    save_model(model.network, model.card, tmp_path / "parent")
    return tmp_path


def test_annotations_become_a_model(program, files: Path) -> None:
    arguments = ["fine-tune", files / "image.tif", files / "painted.tif", "--model", files / "parent"]
    result = program(*arguments, "--output", files / "My model", "--steps", 2, "--seed", 3, "--device", "cpu")
    assert (result.code, result.out) == (0, "")
    assert "1 annotated slice (1)" in result.err
    card = load_model(files / "My model").card
    assert card.name == "my-model"
    assert card.parent == load_model(files / "parent").card.signature
    assert card.training is not None
    assert (card.training.steps, card.training.seed) == (2, 3)
    assert not list(files.glob("*.safetensors"))
    again = program(*arguments, "--output", files / "My model", "--steps", 1)
    assert again.code == 1
    assert "--overwrite" in again.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_same_command_with_resume(program, files: Path, monkeypatch, number) -> None:
    def interrupted(*arguments, **settings):
        for event in iter_fine_tune(*arguments, **settings):
            if isinstance(event, StepEvent) and event.step == 1:
                signal.raise_signal(number)
            yield event

    run = ["fine-tune", files / "image.tif", files / "painted.tif", "--model", files / "parent", "--steps", 3]
    run += ["--device", "cpu", "--output", files / "tuned"]
    with monkeypatch.context() as patch:
        patch.setattr(learning, "iter_fine_tune", interrupted)
        stopped = program(*run)
    assert stopped.code == 128 + number
    assert "the same command with --resume" in stopped.err
    assert load_model(files / "tuned").card.training.steps < 3
    assert program(*run).code == 1  # not replaced by mistake
    shutil.rmtree(files / "tuned")  # as after kill -9
    with open_stack(files / "painted.tif") as stack:
        painted = np.array(stack)
    painted[0, 5, 5:9] = 2
    save_stack(files / "painted.tif", painted, axes="zyx", labels=True, overwrite=True)
    refused = program(*run)
    assert (refused.code, "--resume continues it, --overwrite begins anew" in refused.err) == (1, True)
    reseeded = program(*run, "--resume", "--seed", 7)
    assert (reseeded.code, "changed since this run was begun: seed" in reseeded.err) == (1, True)
    resumed = program(*run, "--resume")
    assert (resumed.code, resumed.err.count("warning: ")) == (0, 1), resumed.err
    assert "the annotations have changed since" in resumed.err
    assert load_model(files / "tuned").card.training.steps == 3
    again = program(*run, "--resume")
    assert (again.code, "is finished" in again.err) == (0, True)


def test_several_stacks_are_learnt_from_together(program, files: Path) -> None:
    pair = [files / "image.tif", files / "painted.tif"]
    options = ["--model", files / "parent", "--device", "cpu", "--steps", 1]
    assert program("fine-tune", *pair, *options, "--output", files / "one").code == 0
    assert program("fine-tune", *pair, *pair, *options, "--output", files / "two").code == 0
    one, two = (load_model(files / name).card.training for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert two.annotated_pixels == {name: 2 * count for name, count in one.annotated_pixels.items()}
    odd = program("fine-tune", *pair, files / "image.tif", *options, "--output", files / "three")
    assert odd.code == 2
    assert "every image needs its annotations" in odd.err.replace("\n", " ")


def test_images_and_annotations_in_one_file(program, files: Path) -> None:
    with h5py.File(files / "both.h5", "w") as both:
        for name in ("image", "painted"):
            with open_stack(files / f"{name}.tif") as stack:
                both[f"em/{name}"] = stack[...]
    options = ["--model", files / "parent", "--device", "cpu", "--steps", 1, "--output", files / "tuned"]
    result = program("fine-tune", *2 * [files / "both.h5"], *options, "--dataset", "em/image")
    assert (result.code, "choose a dataset" in result.err) == (1, True)
    datasets = ["--dataset", "em/image", "--annotations-dataset", "em/painted"]
    assert program("fine-tune", *2 * [files / "both.h5"], *options, *datasets).code == 0


def test_axes_where_the_files_are_wrong(program, files: Path) -> None:
    for name, target in (("image", "turned"), ("painted", "turned-painted")):
        with open_stack(files / f"{name}.tif") as stack, h5py.File(files / f"{target}.h5", "w") as file:
            file["data"] = np.asarray(stack).transpose(2, 1, 0)
    options = ["--model", files / "parent", "--device", "cpu", "--steps", 1, "--output", files / "tuned"]
    both = [files / "turned.h5", files / "turned-painted.h5"]
    half = program("fine-tune", *both, *options, "--axes", "xyz")
    assert (half.code, "turned-painted: has the shape (96, 96, 2)" in half.err) == (1, True)
    result = program("fine-tune", *both, *options, "--axes", "xyz", "--annotations-axes", "xyz")
    assert result.code == 0, result.err
    assert "1 annotated slice (1)" in result.err


def test_a_channel_of_the_image(program, files: Path) -> None:
    with open_stack(files / "image.tif") as stack:
        save_stack(files / "channels.tif", np.stack([stack[...], 255 - stack[...]]), axes="czyx")
    options = ["--model", files / "parent", "--device", "cpu", "--steps", 1, "--output", files / "tuned"]
    result = program("fine-tune", files / "channels.tif", files / "painted.tif", *options)
    assert (result.code, "must be the same" in result.err) == (1, True)
    assert program("fine-tune", files / "channels.tif", files / "painted.tif", *options, "--channel", 1).code == 0


def test_folders_whose_files_are_no_pairs_are_refused(program, files: Path) -> None:
    for name, numbers in (("image", (1, 3)), ("painted", (1, 2))):
        (files / name).mkdir()
        for number, plane in zip(numbers, open_stack(files / f"{name}.tif")[...], strict=True):
            save_stack(files / name / f"{number:02d}.png", plane, axes="yx")
    run = ("fine-tune", files / "image", files / "painted", "--model", files / "parent", "--output", files / "m")
    result = program(*run, "--steps", 1)
    assert (result.code, "03.png is only in" in result.err, "02.png is only in" in result.err) == (1, True, True)
    assert "Traceback" not in result.err
    (files / "painted" / "02.png").rename(files / "painted" / "03.png")
    assert program(*run, "--steps", 1).code == 0


def test_an_image_whose_bright_and_dark_are_exchanged(program, files: Path) -> None:
    with open_stack(files / "image.tif") as stack:
        save_stack(files / "negative.tif", 255 - stack[...], axes="zyx")
    options = ["--model", files / "parent", "--device", "cpu", "--steps", 1, "--output"]
    hashes = []
    for name, how in (("image", []), ("negative", ["--invert"]), ("negative", [])):
        target = files / f"tuned-{len(hashes)}"
        result = program("fine-tune", files / f"{name}.tif", files / "painted.tif", *options, target, *how)
        assert result.code == 0, result.err
        hashes.append(load_model(target).card.weights_sha256)
    assert hashes[0] == hashes[1] != hashes[2]


def test_empty_annotations_are_refused(program, files: Path) -> None:
    result = program(
        "fine-tune", files / "image.tif", files / "nothing.tif", "--model", files / "parent", "--output", files / "out"
    )
    assert result.code == 1
    assert "nothing is annotated in nothing" in result.err
    assert not (files / "out").exists()


def test_what_is_no_model_is_refused_before_anything_is_learnt(program, files: Path, monkeypatch) -> None:
    monkeypatch.setattr(learning, "iter_fine_tune", lambda *_, **__: pytest.fail("it learns"))
    pair = [files / "image.tif", files / "painted.tif"]
    result = program("fine-tune", *pair, "--model", files / "parent", "--output", pair[0], "--overwrite")
    assert (result.code, "something else than a model" in result.err) == (1, True)


def test_a_place_that_cannot_be_written_is_told_before_anything_is_learnt(program, files: Path) -> None:
    result = program(
        *("fine-tune", files / "image.tif", files / "painted.tif", "--model", files / "parent"),
        *("--output", files / "image.tif" / "tuned", "--steps", "2"),
    )
    assert result.code == 1
    assert f"{files / 'image.tif' / 'tuned'}: the model could not be written" in result.err
    assert "step" not in result.err


def test_a_class_that_the_model_does_not_know(program, files: Path) -> None:
    with open_stack(files / "painted.tif") as painted:
        ids = np.asarray(painted).copy()
    ids[1, 70:90] = np.where(ids[1, 70:90] > 0, 3, 0)
    save_stack(files / "three.tif", ids, axes="zyx", labels=True)
    arguments = ["fine-tune", files / "image.tif", files / "three.tif", "--model", files / "parent", "--steps", 1]
    refused = program(*arguments, "--output", files / "out")
    assert refused.code == 1
    assert "the annotations hold class 3" in refused.err
    assert program(*arguments, "--add-class", "fibre", "--output", files / "out").code == 0
    assert [c.name for c in load_model(files / "out").card.classes] == ["membrane", "cell", "fibre"]
    known = program(*arguments, "--add-class", "cell", "--output", files / "other")
    assert known.code == 1
    assert "not 'cell'; there are membrane, cell" in known.err.replace("\n", " ")


def test_steps_and_minutes_exclude_each_other(program, files: Path) -> None:
    result = program(
        "fine-tune", files / "image.tif", files / "painted.tif", "-o", files / "out", "--steps", 1, "--minutes", 1
    )
    assert result.code == 2
