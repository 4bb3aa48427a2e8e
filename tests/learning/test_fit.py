"""The training loop: it learns, repeats itself, resumes exactly, and keeps the best."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import napari_unets.learning.fit as fit_module
from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.checkpoint import CheckpointError
from napari_unets.learning.errors import DivergedError
from napari_unets.learning.events import StepEvent, StoppedEvent, ValidationEvent
from napari_unets.learning.fit import fit
from napari_unets.learning.optimising import create_optimiser, rate_at
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.networks import Network, create_network


def settings(**changes) -> FitSettings:
    fields = {
        "batch": 2,
        "patch": 16,
        "precision": "fp32",
        "steps": 30,
        "augment": AugmentSettings.none(),
        "validate_every": 10,
    }
    return FitSettings(**(fields | changes))


def sampler() -> PatchSampler:
    rng = np.random.default_rng(0)
    truth = np.kron(rng.integers(1, 3, (8, 8)), np.ones((8, 8))).astype(np.uint8)
    image = (truth + rng.normal(0, 0.3, truth.shape)).astype(np.float32)
    return PatchSampler([AnnotatedPlane(image[None] - 1.5, truth)], 16, AugmentSettings.none(), seed=3)


def network() -> Network:
    torch.manual_seed(0)
    return create_network("sf-net", width=8, narrow=8, depth=1)


def losses(**arguments) -> list[float]:
    return [e.loss for e in fit(arguments.pop("net", network()), sampler(), **arguments) if isinstance(e, StepEvent)]


def test_it_learns() -> None:
    curve = losses(settings=settings(steps=40, learning_rate=1e-2))
    assert np.mean(curve[-5:]) < 0.5 * np.mean(curve[:5])


@pytest.mark.parametrize("has", [True, False])
def test_steps_are_in_bf16_only_where_the_hardware_has_it(has, monkeypatch) -> None:
    # oneDNN takes bf16 on every CPU with AVX-512, and where it must be emulated a step takes four times as long.
    monkeypatch.setattr(fit_module, "hardware_has_bf16", lambda device: has)
    net, seen = network(), set()
    net.head.register_forward_hook(lambda _module, _inputs, result: seen.add(result.dtype))
    losses(net=net, settings=settings(steps=1, precision="auto"))
    assert seen == {torch.bfloat16 if has else torch.float32}


def test_compiled_steps_are_the_same(monkeypatch) -> None:
    # The compiler's front end, which must be able to follow the network, without its minutes of making code.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    assert losses(settings=settings(steps=3, compile=True)) == pytest.approx(losses(settings=settings(steps=3)))


def test_same_seed_same_weights() -> None:
    first, second = network(), network()
    assert losses(net=first, settings=settings(steps=5)) == losses(net=second, settings=settings(steps=5))
    for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_resumed_run_has_the_losses_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole_network, resumed_network = network(), network()
    whole = losses(net=whole_network, settings=settings(steps=12), excess=0.5)
    place = tmp_path / "run.safetensors"
    run = settings(steps=12, checkpoint_every=4)
    killed: list[float] = []
    for event in fit(network(), sampler(), run, excess=0.5, checkpoint=place):
        if isinstance(event, StepEvent):
            killed.append(event.loss)
        if len(killed) == 7:  # between two checkpoints, as a kill would come
            break
    assert killed == whole[:7]
    rest = losses(net=resumed_network, settings=run, checkpoint=place, resume=True)
    assert rest == whole[4:]
    for a, b in zip(whole_network.state_dict().values(), resumed_network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_weights_that_a_run_began_with_are_told_after_a_resume_too(tmp_path: Path) -> None:
    place = tmp_path / "run.safetensors"
    run = settings(steps=4, start_share=0.4)
    *_, stopped = fit(network(), sampler(), run, checkpoint=place, cancel=iter([False, True]).__next__)
    other = create_network("sf-net", width=8, narrow=8, depth=1)
    *_, resumed = fit(other, sampler(), run, checkpoint=place, resume=True)
    for event in (stopped, resumed):
        assert isinstance(event, StoppedEvent)
        for name, weight in network().state_dict().items():
            assert torch.equal(event.start_weights[name], weight)
    *_, plain = fit(network(), sampler(), settings(steps=1))
    assert isinstance(plain, StoppedEvent)
    assert not plain.start_weights


def test_a_resumed_run_drops_out_the_same(tmp_path: Path) -> None:
    def with_dropout() -> Network:
        torch.manual_seed(0)
        return create_network("unet", width=2, depth=1, dropout=0.5)

    run = settings(steps=6, checkpoint_every=3)
    whole = losses(net=with_dropout(), settings=run)
    place = tmp_path / "run.safetensors"
    list(fit(with_dropout(), sampler(), run, checkpoint=place, cancel=iter([False, False, True]).__next__))
    assert losses(net=with_dropout(), settings=run, checkpoint=place, resume=True) == whole[3:]


def test_a_checkpoint_without_the_state_of_dropout_is_read(tmp_path: Path) -> None:
    place = tmp_path / "run.safetensors"
    list(fit(network(), sampler(), settings(steps=2), checkpoint=place))
    with safe_open(place, framework="pt") as file:
        header = file.metadata()
    save_file({k: v for k, v in load_file(place).items() if not k.startswith("chance/")}, place, metadata=header)
    assert len(losses(settings=settings(steps=3), checkpoint=place, resume=True)) == 1


class Breaking:
    """Batches that are no numbers from the fourth on."""

    def __init__(self) -> None:
        self.generator, self._sampler, self._drawn = torch.Generator(), sampler(), 0

    def draw(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        images, ids = self._sampler.draw(n)
        self._drawn += 1
        return (images * torch.nan if self._drawn > 3 else images), ids


def test_a_run_that_comes_apart_says_so() -> None:
    with pytest.raises(DivergedError, match=r"at step 4: .*lower learning rate"):
        list(fit(network(), Breaking(), settings()))


def test_a_run_that_comes_apart_ends_with_what_was_kept() -> None:
    net = network()
    events = list(fit(net, Breaking(), settings(validate_every=2), validate=lambda _: {"dice": 0.5}))
    assert isinstance(events[-1], StoppedEvent)
    assert (events[-1].step, events[-1].kept, events[-1].diverged) == (3, 2, True)
    assert all(bool(torch.isfinite(weight).all()) for weight in net.state_dict().values())


def test_an_undefined_score_is_no_better_than_any() -> None:
    scores = iter([np.nan, 0.2, np.nan, 0.3])
    run = settings(steps=30, validate_every=10)
    events = list(fit(network(), sampler(), run, validate=lambda _: {"dice": next(scores)}, judge_start=True))
    assert [e.kept for e in events if isinstance(e, ValidationEvent)] == [True, True, False, True]


def test_the_network_gives_the_probabilities_of_the_images_not_of_what_is_annotated() -> None:
    # There is nothing to see, and as much of class 1 as of class 2 is annotated; in the images it is rarer.
    blank = AnnotatedPlane(np.zeros((1, 64, 64), np.float32), np.kron([[1, 2], [2, 1]], np.ones((32, 32), np.uint8)))
    net = network()
    with torch.no_grad():
        for weight in net.head.parameters():
            weight.zero_()
    same = PatchSampler([blank], 16, AugmentSettings.none(), seed=3)
    run = settings(steps=150, batch=8, learning_rate=0.05, ema=0.9)
    for _ in fit(net, same, run, excess=2.0):
        pass
    with torch.no_grad():
        probability = torch.sigmoid(net(torch.zeros(1, 1, 16, 16))).mean()
    assert float(probability) == pytest.approx(1 / (1 + np.exp(2.0)), abs=0.03)


def test_best_weights_are_kept() -> None:
    scores = iter([0.2, 0.9, 0.5])
    seen: list[dict[str, torch.Tensor]] = []

    def validate(average: Network) -> dict[str, float]:
        assert not average.training
        seen.append({k: v.clone() for k, v in average.state_dict().items()})
        return {"dice": next(scores)}

    net = network()
    events = list(fit(net, sampler(), settings(), validate=validate))
    assert [e.kept for e in events if isinstance(e, ValidationEvent)] == [True, True, False]
    for name, value in net.state_dict().items():
        assert torch.equal(value, seen[1][name])


def test_cancelled_run_stops_at_once_and_keeps_its_average() -> None:
    net = network()
    events = list(fit(net, sampler(), settings(steps=1000), cancel=lambda: True))
    assert [type(e) for e in events] == [StepEvent, StoppedEvent]
    assert not events[-1].finished
    assert not net.training


def test_minutes_end_the_run() -> None:
    events = list(fit(network(), sampler(), settings(steps=None, minutes=0.005)))
    assert isinstance(events[-1], StoppedEvent)
    assert events[-1].finished
    assert events[-1].seconds >= 0.3
    assert events[-2].done == 1.0


def test_damaged_checkpoint(tmp_path: Path) -> None:
    place = tmp_path / "run.safetensors"
    place.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="delete it"):
        next(fit(network(), sampler(), settings(), checkpoint=place, resume=True))


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    place, run = tmp_path / "run.safetensors", settings(steps=6, checkpoint_every=2)
    whole = losses(settings=run)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    events = fit(network(), sampler(), run, checkpoint=place)
    assert [next(events).step for _ in range(3)] == [1, 2, 3]
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(CheckpointError, match=r"run\.safetensors: the state of the run at step 4 cannot be kept"):
            list(events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]
    assert losses(settings=run, checkpoint=place, resume=True) == whole[2:]


def test_checkpoint_of_an_older_version(tmp_path: Path) -> None:
    place = tmp_path / "run.safetensors"
    list(fit(network(), sampler(), settings(steps=1), checkpoint=place))
    with safe_open(place, framework="pt") as file:
        state = json.loads(file.metadata()["state"])
    del state["origin"]
    save_file(load_file(place), place, metadata={"state": json.dumps(state)})
    assert next(fit(network(), sampler(), settings(), origin={"seed": "1"}, checkpoint=place, resume=True)).step == 2
    del state["kept"]
    save_file(load_file(place), place, metadata={"state": json.dumps(state)})
    with pytest.raises(CheckpointError, match=r"cannot be used.*start again without it"):
        next(fit(network(), sampler(), settings(), checkpoint=place, resume=True))


def test_checkpoint_of_a_run_with_another_origin(tmp_path: Path) -> None:
    place, run = tmp_path / "run.safetensors", settings(steps=2)
    list(fit(network(), sampler(), run, origin={"strokes": "a", "seed": "1"}, checkpoint=place))
    with pytest.raises(CheckpointError, match=r"run\.safetensors: changed .* strokes was a and is b\. .*new run"):
        next(fit(network(), sampler(), run, origin={"strokes": "b", "seed": "1"}, checkpoint=place, resume=True))


def test_checkpoint_of_another_network(tmp_path: Path) -> None:
    place = tmp_path / "run.safetensors"
    list(fit(network(), sampler(), settings(steps=1), checkpoint=place))
    other = create_network("sf-net", width=4, narrow=4, depth=1)
    with pytest.raises(CheckpointError, match="cannot be used"):
        next(fit(other, sampler(), settings(), checkpoint=place, resume=True))


@pytest.mark.parametrize("wrong", [{"steps": None}, {"minutes": 1.0}, {"steps": 0}, {"unheard_of": 1}, {"ema": 1.0}])
def test_settings_that_make_no_sense(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"warm_up": 0.5}, [0.001, 0.5, 1.0, 0.5, 0.0]),
        ({"warm_up": 0.5, "schedule": "constant"}, [0.001, 0.5, 1.0, 1.0, 1.0]),
        ({"warm_up": 0, "schedule": "constant"}, [1.0] * 5),
    ],
)
def test_schedules(changes: dict[str, object], expected: list[float]) -> None:
    run = settings(learning_rate=0.5, **changes)
    assert [rate_at(done, run) / 0.5 for done in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx(expected)


def test_optimisers_step_as_their_papers_say() -> None:
    """Two steps on a weight of 1 with the gradient 2, worked out by hand."""

    def weight_after(**changes) -> float:
        net = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.ones_(net.weight)
        optimiser = create_optimiser(net, settings(learning_rate=0.1, **changes))
        for _ in range(2):
            optimiser.zero_grad()
            (2 * net.weight).sum().backward()
            optimiser.step()
        return float(net.weight.detach())

    assert weight_after(optimiser="adam", weight_decay=0) == pytest.approx(0.8)  # the rate a step, whatever the size
    assert weight_after(optimiser="adam", weight_decay=1) == pytest.approx(
        0.8, abs=1e-3
    )  # it only adds to the gradient
    assert weight_after(optimiser="adamw", weight_decay=1) == pytest.approx((0.9 - 0.1) * 0.9 - 0.1)
    assert weight_after(optimiser="sgd", weight_decay=0, momentum=0.5) == pytest.approx(1 - 0.1 * (2 + 3))


@pytest.mark.parametrize(
    ("start", "scores", "kept"),
    [
        (None, [0.5, 0.9, 0.895, 0.7], [True, True, True, False]),  # by chance a little worse, then clearly
        (None, [0.9, 0.895, 0.885, 0.895], [True, True, False, True]),  # the slack does not add up
        (0.8, [0.79, 0.81, 0.805, 0.8], [False, True, True, False]),  # never less than it began with
        (0.9, [0.895, 0.9, 0.7, 0.9], [False, False, False, False]),
    ],
)
def test_later_weights_are_kept_unless_clearly_worse(
    start: float | None, scores: list[float], kept: list[bool]
) -> None:
    given = iter(scores if start is None else [start, *scores])
    seen: list[dict[str, torch.Tensor]] = []

    def validate(average: Network) -> dict[str, float]:
        seen.append({k: v.clone() for k, v in average.state_dict().items()})
        return {"dice": next(given)}

    net = network()
    run = settings(steps=4 * settings().validate_every)
    *events, stopped = fit(net, sampler(), run, validate=validate, slack=0.01, judge_start=start is not None)
    found = [e.kept for e in events if isinstance(e, ValidationEvent)]
    assert found == ([] if start is None else [True]) + kept
    last = max(i for i, one in enumerate(found) if one)
    for name, value in net.state_dict().items():
        assert torch.equal(value, seen[last][name])
    assert isinstance(stopped, StoppedEvent)
    assert stopped.kept == stopped.history[last]["step"]
    assert stopped.scores == {"dice": (scores if start is None else [start, *scores])[last]}


def test_minutes_follow_the_clock_that_is_given() -> None:
    ticks = iter(range(100))
    events = list(fit(network(), sampler(), settings(steps=None, minutes=0.1), clock=lambda: float(next(ticks))))
    assert (events[-1].step, events[-1].seconds) == (6, 6.0)


def test_the_last_weights_can_be_asked_for() -> None:
    scores = iter([0.9, 0.2])
    events = list(
        fit(network(), sampler(), settings(steps=20), validate=lambda _: {"dice": next(scores)}, select="last")
    )
    assert [e.kept for e in events if isinstance(e, ValidationEvent)] == [True, True]


def test_unpadded_convolutions_learn_from_the_middle_of_a_patch() -> None:
    """Only the middle is annotated with what the image shows; the border says the opposite."""
    image = torch.zeros(1, 1, 20, 20)
    wrong_border = torch.full((1, 20, 20), 2)
    net = create_network("unet", width=2, depth=1, padding="valid", dropout=0.0)
    wrong_border[:, net.margin : -net.margin, net.margin : -net.margin] = 1

    class Fixed:
        generator = torch.Generator()

        def draw(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
            return image, wrong_border

    list(fit(net, Fixed(), settings(steps=60, learning_rate=0.05, ema=0)))
    assert float(torch.sigmoid(net(image)).min().detach()) > 0.6
