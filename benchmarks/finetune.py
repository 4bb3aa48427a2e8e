"""How fast a model learns from strokes: a simulated user on real sections, beside a random forest.

    python benchmarks/finetune.py --data ISBI                      # the table, the curve, and the speed of a step
    python benchmarks/finetune.py --data ISBI --minutes 0.2,0.5 --starts random   # only to see that it runs

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. The user scribbles on two sections, presses
the button, and at the second of the given times scribbles on two more, those that "Suggest a slice" names. All scores
are of six other sections. The clock counts from the button, reading and preparing included, scoring left out. The
forest is given the same strokes.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from finetune_forest import forest
from finetune_plot import plot
from finetune_speed import step_speed
from simulated_user import scribble

from napari_unets.images import Stack, as_stack, open_stack, synthetic_em_stack
from napari_unets.inference import InferenceSettings, Predictor, iter_tiles, keep_freed_memory, stack_statistics
from napari_unets.learning import AnnotatedStack, TunedEvent, iter_fine_tune, tuning_settings
from napari_unets.learning.doubt import best_slice, spread_planes
from napari_unets.learning.sparse import SparseAnnotations
from napari_unets.learning.suggest import iter_uncertainty
from napari_unets.metrics import evaluate
from napari_unets.models import Model, load_model, new_model, save_model
from napari_unets.models.untrained import SUGGESTED_SETTINGS

#: The network that *New …* offers, given filters; and the same without, as the bundled models are.
OFFERED = dict(SUGGESTED_SETTINGS["unet"])
PLAIN = OFFERED | {"filter_scales": ()}
PAINTED = (3, 11)  # sections that the user begins with, counted from 0
ASKED = range(17)  # sections among which the model suggests where to paint next
TEST = range(18, 24)
CLOCKS = {"wall": time.monotonic, "cpu": time.process_time}
PREVIEWS = tuple(range(3, 31, 3))  # seconds


@dataclass
class Bench:
    """The sections, and their true classes: 1 = membrane, 2 = cell."""

    stack: Stack
    truth: np.ndarray
    share: float
    rng: np.random.Generator
    annotations: dict[int, np.ndarray] = field(default_factory=dict)

    def paint(self, planes: list[int]) -> None:
        for plane in planes:
            self.annotations[plane] = scribble(self.truth[plane], self.share, self.rng)

    @property
    def source(self) -> AnnotatedStack:
        return AnnotatedStack(self.stack, SparseAnnotations(self.truth.shape, dict(self.annotations)))

    def predict(self, model: Model, planes: range | tuple[int, ...], *, tta: bool = False) -> np.ndarray:
        result = np.zeros((len(planes), *self.stack.plane_shape), np.float32)
        statistics = stack_statistics(model, self.stack)
        for tile in iter_tiles(model, self.stack, planes=list(planes), statistics=statistics, tta=tta):
            result[planes.index(tile.plane), tile.y, tile.x] = tile.probabilities
        return result

    def scores(
        self, membrane: np.ndarray, threshold: float, planes: range | tuple[int, ...] = TEST
    ) -> dict[str, float]:
        cells = np.where(self.truth[list(planes)] == 2, 255, 0).astype(np.uint8)
        chosen = np.where(membrane > threshold, 1, 2).astype(np.uint8)
        return {
            "v_rand": float(evaluate(1 - membrane, cells, metrics=["v_rand"])["v_rand"]),
            "dice": float(evaluate(chosen, cells, metrics=["dice"])["dice"]),
        }

    def judge(self, model: Model) -> dict[str, float]:
        """Score a model on the sections that nobody paints on, as it is and averaged over eight orientations."""
        threshold = model.card.threshold
        averaged = self.scores(self.predict(model, TEST, tta=True), threshold)
        return self.scores(self.predict(model, TEST), threshold) | {f"{k}_tta": v for k, v in averaged.items()}


@dataclass
class Point:
    """A score at a time; those of eight orientations are None of what has no model."""

    way: str
    minutes: float
    sections: int
    steps: int
    v_rand: float
    dice: float
    v_rand_tta: float | None = None
    dice_tta: float | None = None


def untrained(network: str, settings: dict[str, Any], seed: int) -> Model:
    """Return a model with random weights."""
    return new_model("start", network, ["membrane", "cell"], task="em", seed=seed, settings=settings)


def pre_trained(network: str, settings: dict[str, Any], minutes: float, cache: Path | None) -> Model:
    """Train on the synthetic sample alone, or load what an earlier call has trained."""
    folder = None if cache is None else cache / f"{network}-{minutes:g}min"
    if folder is not None and folder.exists():
        return load_model(folder)
    image, truth = synthetic_em_stack(24, 512, seed=11)
    ids = np.where(np.asarray(truth) == 0, 1, 2).astype(np.uint8)
    fit = tuning_settings(minutes=minutes, from_scratch=True)
    source = AnnotatedStack(as_stack(image), as_stack(ids))
    *_, last = iter_fine_tune(untrained(network, settings, 0), [source], fit, name="synthetic")
    assert isinstance(last, TunedEvent)
    if folder is not None:
        save_model(last.model.network, last.model.card, folder)
    return last.model


class Watch:
    """Keeps the weights as they are at certain times of a run."""

    def __init__(self, seconds: list[float], clock: Callable[[], float]) -> None:
        self.left = sorted(seconds)
        self.seen: list[tuple[float, Model]] = []
        self.clock = clock
        self.start = clock()

    def __call__(self, model: Model) -> None:
        now = self.clock() - self.start
        if self.left and now >= self.left[0]:
            self.left = [s for s in self.left if s > now]
            self.seen.append((now, Model(model.card, network=copy.deepcopy(model.network))))


def press(bench: Bench, model: Model, minutes: float, watch: Watch, changes: dict[str, Any]) -> TunedEvent:
    """Press the button: one fine-tuning run."""
    fit = tuning_settings(minutes=minutes, from_scratch=model.card.is_untrained, **changes)
    *_, stopped, last = iter_fine_tune(model, [bench.source], fit, preview=watch, clock=watch.clock)
    assert isinstance(last, TunedEvent)
    print(f"    {stopped.step} steps in {stopped.seconds:.0f} s")
    return last


def suggest(bench: Bench, model: Model, count: int) -> list[int]:
    """Ask the model where to paint next, one slice after the other, as a user would."""
    chosen: list[int] = []
    statistics = stack_statistics(model, bench.stack)
    with Predictor(model, InferenceSettings()) as predictor:
        for _ in range(count):
            planes = spread_planes(len(ASKED), [*bench.annotations, *chosen])
            found = list(iter_uncertainty(model, bench.stack, predictor, statistics=statistics, planes=planes))
            best = best_slice(found)
            assert best is not None
            chosen.append(best.plane)
    return chosen


def learn(bench: Bench, way: str, start: Model, times: list[float], arguments: argparse.Namespace) -> Iterator[Point]:
    """One start: rounds of painting and learning, and the scores in between."""
    parent = bench.scores(bench.predict(start, PAINTED[:1]), start.card.threshold, PAINTED[:1])
    print(f"    {_slice(parent)}: the start, on a painted slice")
    yield Point(way, 0, 0, 0, **bench.judge(start))
    model, spent = start, 0.0
    for rounds, minutes in enumerate((times[1], times[-1] - times[1])):
        if rounds:
            bench.paint(suggest(bench, model, 2))
        between = [60 * (t - spent) for t in times if spent < t < spent + minutes]
        watch = Watch([*between, *(PREVIEWS if not rounds else ())], CLOCKS[arguments.clock])
        last = press(bench, model, minutes, watch, arguments.changes)
        for seconds, seen in watch.seen:
            if not rounds and seconds < PREVIEWS[-1] + 2:
                scores = bench.scores(bench.predict(seen, PAINTED[:1]), seen.card.threshold, PAINTED[:1])
                print(f"    {_slice(scores)}: after {seconds:.1f} s")
            else:
                yield Point(way, spent + seconds / 60, len(bench.annotations), 0, **bench.judge(seen))
        model, spent = last.model, spent + minutes
        record = model.card.training
        assert record is not None
        yield Point(way, spent, len(bench.annotations), record.steps, **bench.judge(model))


def forests(bench: Bench) -> Iterator[Point]:
    """Train the forest on the strokes that the last start was given: the first two sections, then all four."""
    for sections in (2, 4):
        planes = list(bench.annotations)[:sections]
        membrane, seconds = forest(bench.stack, {p: bench.annotations[p] for p in planes}, list(TEST))
        yield Point("random forest", seconds / 60, sections, 0, **bench.scores(membrane, 0.5))


def main() -> None:
    """Read the arguments, run, print the table, write figures and plot."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as the worker process and the command do
    stack = open_stack(arguments.data / "image")
    truth = np.where(np.asarray(open_stack(arguments.data / "label")) == 0, 1, 2).astype(np.uint8)
    points: list[Point] = []
    for way in arguments.starts:
        bench = Bench(stack, truth, arguments.share, np.random.default_rng(arguments.seed))
        bench.paint(list(PAINTED))
        torch.manual_seed(arguments.seed)
        if way == "random":
            start = untrained(arguments.network, arguments.settings or OFFERED, arguments.seed)
        elif way == "synthetic":
            start = pre_trained(arguments.network, arguments.settings or PLAIN, arguments.pretrain, arguments.cache)
        else:
            start = load_model(way)
        for point in learn(bench, way, start, arguments.minutes, arguments):
            points.append(point)
            print(_row(point), flush=True)
    for point in forests(bench) if arguments.forest else ():
        points.append(point)
        print(_row(point), flush=True)
    speed = step_speed(arguments.network, arguments.settings or PLAIN) if arguments.speed else {}
    if speed:
        print(
            f"a step: {speed['ours']:.3f} s; plain eager fp32: {speed['eager fp32']:.3f} s; {speed['ratio']:.2f} times"
        )
    result = {"threads": arguments.threads, "points": [asdict(p) for p in points], "speed": speed}
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.plot is not None:
        plot(result["points"], arguments.plot)


def _slice(scores: dict[str, float]) -> str:
    return f"V_rand {scores['v_rand']:.3f}, Dice {scores['dice']:.3f}"


def _row(p: Point) -> str:
    averaged = "".join(f" {value:.3f} |" if value is not None else " |" for value in (p.v_rand_tta, p.dice_tta))
    return f"| {p.way} | {p.minutes:.1f} | {p.sections} | {p.v_rand:.3f} | {p.dice:.3f} |{averaged}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--starts", type=lambda s: s.split(","), default=["random", "synthetic"])
    parser.add_argument("--minutes", type=lambda s: [float(v) for v in s.split(",")], default=[1.0, 3.0, 10.0])
    parser.add_argument("--network", default="unet")
    parser.add_argument("--settings", type=json.loads, help="of the network, as JSON, instead of each start's own")
    parser.add_argument("--changes", type=json.loads, default={}, help="of tuning_settings, as JSON")
    parser.add_argument("--pretrain", type=float, default=25.0, help="minutes on the synthetic sample")
    parser.add_argument("--share", type=float, default=0.02, help="of a section's pixels that are painted")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu is fair on a machine that others use too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="folder that keeps the model trained on the synthetic sample")
    parser.add_argument("--output", type=Path, help="JSON file for the figures")
    parser.add_argument("--plot", type=Path, help="PNG file for the curve")
    parser.add_argument("--no-forest", dest="forest", action="store_false")
    parser.add_argument("--no-speed", dest="speed", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
