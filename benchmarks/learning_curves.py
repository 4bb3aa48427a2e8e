"""How much to paint: what a network learns from 1, 2, 4 … annotated sections, and from strokes on them alone.

    python benchmarks/learning_curves.py --data ISBI --plot docs/images/learning-curves.png
    python benchmarks/learning_curves.py --data ISBI --train-seconds 2 --sections 1 --ways random   # only to see it run

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. So many of the sections 1 to 19, evenly
spread, are annotated whole, or with the strokes of the simulated user (2 % of the pixels, as many of membrane as of
cell); sections 20 to 24 are scored and choose nothing. A run begins with random weights, or with those of the same
network after the same time on the synthetic sample; the bundled model would not be honest, it has seen these sections.
Every point gets the same time, of computing on a CPU, of the clock on a GPU, and is kept as soon as it is known; a run
that was stopped goes on.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from learning_curves_plot import plot
from membranes import Sections, train
from rows import Rows
from simulated_user import scribble

from napari_unets.images import synthetic_em_stack
from napari_unets.inference import choose_device, keep_freed_memory
from napari_unets.learning import AnnotatedPlane
from napari_unets.networks import Network, create_network

LEARNT_FROM = 19  # sections 1 to 19
HELD_OUT = (19, 20, 21, 22, 23)  # sections 20 to 24, counted from 0
ANNOTATIONS = ("whole", "strokes")
#: As fine-tuning in napari has it, from random weights; the same for all points, so that only the annotations differ.
TRAINING = {"batch": 8, "patch": 128, "learning_rate": 3e-3, "warm_up": 0.1, "ema": 0.98, "augment": {"log_scale": 0.1}}
STARTED = {"learning_rate": 1e-3}  # of weights that know something already


def spread(count: int, among: int = LEARNT_FROM) -> list[int]:
    """Give the numbers of so many sections, evenly spread."""
    return [int(n) for n in (np.arange(count) + 0.5) * among / count]


def synthetic_planes() -> list[AnnotatedPlane]:
    """Make the sections that the other start learns from."""
    image, truth = synthetic_em_stack(8, 512, seed=11)
    values = np.asarray(image, np.float32)
    values = (values - values.mean()) / values.std()
    ids = np.where(np.asarray(truth) == 0, 1, 2).astype(np.uint8)
    return [AnnotatedPlane(plane[None], known) for plane, known in zip(values, ids, strict=True)]


class Starts:
    """The networks that runs begin with; the one of the synthetic sample is trained when it is first asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._trained: Network | None = None

    def __call__(self, way: str) -> Network:
        if way == "random":
            return self._random()
        if self._trained is None:
            self._trained = self._random()
            asked = self._arguments
            train(self._trained, synthetic_planes(), TRAINING, asked.train_seconds, asked.seed, asked.device)
        return copy.deepcopy(self._trained)

    def _random(self) -> Network:
        torch.manual_seed(self._arguments.seed)
        return create_network(self._arguments.network, **self._arguments.settings)


def annotated(sections: Sections, how: str, count: int, share: float, seed: int) -> list[AnnotatedPlane]:
    """Annotate so many sections."""
    rng = np.random.default_rng(seed)
    numbers = spread(count)
    if how == "whole":
        return [sections.plane(n) for n in numbers]
    return [sections.plane(n, scribble(sections.truth[n], share, rng)) for n in numbers]


def points(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Name the points, those first that say most: few sections and many before those between."""
    counts = sorted(arguments.sections, key=lambda n: arguments.sections.index(n) % 2)
    for count in counts:
        for way in arguments.ways:
            for how in arguments.annotations:
                yield {"way": way, "annotations": how, "sections": count}


def measure(point: dict[str, Any], sections: Sections, starts: Starts, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and score one point."""
    network = starts(point["way"])
    planes = annotated(sections, point["annotations"], point["sections"], arguments.share, arguments.seed)
    settings = TRAINING | (STARTED if point["way"] == "synthetic" else {})
    trained = train(network, planes, settings, arguments.train_seconds, arguments.seed, arguments.device)
    membrane, _ = sections.predict(network, arguments.device, HELD_OUT)
    pixels = sum(int((plane.annotations > 0).sum()) for plane in planes)
    return {"pixels": pixels, "steps": trained.steps, **sections.scores(membrane, HELD_OUT)}


def table(rows: list[dict[str, Any]]) -> str:
    """Format rows as a Markdown table."""
    lines = [
        "| start | annotations | sections | pixels | steps | V_rand | Dice |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in sorted(rows, key=lambda r: (r["way"], r["annotations"] != "whole", r["sections"])):
        lines.append(
            f"| {row['way']} | {row['annotations']} | {row['sections']} | {row['pixels']:,} | {row['steps']} | "
            f"{row['v_rand']:.3f} | {row['dice']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, make the points that are missing, print the table, draw the curves."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    rows, starts = Rows(arguments.output), Starts(arguments)
    run = {
        "network": arguments.network,
        "settings": arguments.settings,
        "train_seconds": arguments.train_seconds,
        "share": arguments.share,
        "seed": arguments.seed,
        "device": choose_device(arguments.device).name,
        "threads": arguments.threads,
    }
    missing = [point for point in points(arguments) if not rows.have({**point, **run})]
    if missing and not arguments.table:
        sections = Sections.read(arguments.data)
        for point in missing:
            rows.add({**point, **run, **measure(point, sections, starts, arguments)})
            print(json.dumps(rows.all[-1]), flush=True)
    mine = [row for row in rows.all if all(row.get(k) == v for k, v in run.items())]
    print(table(mine))
    if arguments.plot is not None:
        plot(mine, arguments.plot)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of image/ and label/")
    parser.add_argument("--table", action="store_true", help="what is there already, and nothing run")
    parser.add_argument("--sections", type=int, nargs="*", default=[1, 2, 4, 8, 19], help="how many are annotated")
    parser.add_argument("--annotations", nargs="*", choices=ANNOTATIONS, default=list(ANNOTATIONS))
    parser.add_argument("--ways", nargs="*", choices=("random", "synthetic"), default=["random", "synthetic"])
    parser.add_argument("--train-seconds", type=float, default=120.0, help="for each point")
    parser.add_argument("--network", default="unet")
    parser.add_argument("--settings", type=json.loads, default={"width": 16, "batch_norm": True}, help="as JSON")
    parser.add_argument("--share", type=float, default=0.02, help="of a section's pixels that strokes cover")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".jsonl"), help="file for the rows")
    parser.add_argument("--plot", type=Path, help="PNG file for the curves")
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.table:
        parser.error("--data is needed, or --table")
    return arguments


if __name__ == "__main__":
    main()
