"""Every network of the registry in one table: what it costs, and what it learns in the same time.

    python benchmarks/networks.py --data ISBI                                # two minutes of computing for each
    python benchmarks/networks.py --data ISBI --train-seconds 2 --networks sf-net   # only to see that it runs
    python benchmarks/networks.py --data ISBI --train-seconds 0              # how fast they are, not how good
    python benchmarks/networks.py --costs                                    # neither: parameters and operations

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. Each network starts with random weights,
learns from sections 1 to 19 for the same time, and is scored on sections 20 to 24, which choose nothing. On a CPU the
time is that of computing, so that it is fair on a machine which others use too; on a GPU that of the clock. Each row is
kept as soon as it is known (``--output``), and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from typing import Any

import torch
from membranes import Sections, train
from operations import kflop_a_pixel
from rows import Rows

from napari_unets.inference import choose_device, keep_freed_memory
from napari_unets.networks import create_network, network_names

#: Beside the papers' own settings: batch normalisation where a paper goes without, and a U-Net of a quarter the width.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "unet": [{"batch_norm": True, "width": 16}, {"batch_norm": True}],
    "unet-plus-plus": [{"batch_norm": True}],
    "fcn-8s": [{"batch_norm": True}],
}
#: The same for all: small patches and a short memory of the average, which suit short runs.
TRAINING = {"batch": 4, "patch": 128, "learning_rate": 1e-3, "warm_up": 0.05, "ema": 0.98, "loss": "bce"}
COLUMNS = {
    "network": "network",
    "parameters": "parameters",
    "kflop": "kFLOP a pixel",
    "pixels_a_second": "Mpixel/s",
    "steps": "steps",
    "v_rand": "V_rand",
    "dice": "Dice",
}


def label(name: str, settings: dict[str, Any]) -> str:
    """Name a network with what differs from its paper."""
    extra = [key.replace("_", " ") if value is True else f"{key} {value}" for key, value in settings.items()]
    return f"{name} ({', '.join(extra)})" if extra else name


def cost(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Count parameters and operations."""
    with torch.device("meta"):
        parameters = create_network(name, **settings).n_parameters
    return {"network": label(name, settings), "parameters": parameters, **kflop_a_pixel(name, settings)}


def learn(name: str, settings: dict[str, Any], sections: Sections, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one network for the given time, and score it; without any time, only see how fast it is."""
    torch.manual_seed(arguments.seed)
    network = create_network(name, **settings)
    held_out = tuple(arguments.hold_out)
    if not arguments.train_seconds:
        return {"pixels_a_second": sections.predict(network.eval(), arguments.device, held_out)[1]}
    planes = [sections.plane(number) for number in arguments.learn_from]
    trained = train(network, planes, TRAINING, arguments.train_seconds, arguments.seed, arguments.device)
    membrane, speed = sections.predict(network, arguments.device, held_out)
    scores = sections.scores(membrane, held_out)
    return {"steps": trained.steps, "trained_seconds": trained.seconds, "pixels_a_second": speed, **scores}


def table(rows: list[dict[str, Any]]) -> str:
    """Format rows as a Markdown table; what is not known stays empty."""
    lines = [f"| {' | '.join(COLUMNS.values())} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    for row in rows:
        shown = {
            "network": row["network"],
            "parameters": f"{row['parameters']:,}",
            "kflop": f"{row['kflop']:,.0f}",
            "pixels_a_second": f"{row['pixels_a_second'] / 1e6:.3f}" if "pixels_a_second" in row else "",
            "steps": str(row.get("steps", "")),
            "v_rand": f"{row['v_rand']:.3f}" if "v_rand" in row else "",
            "dice": f"{row['dice']:.3f}" if "dice" in row else "",
        }
        lines.append(f"| {' | '.join(shown[key] for key in COLUMNS)} |")
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, make the rows that are missing, print the table."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    names = arguments.networks or network_names()
    kinds = [(name, {}) for name in names] + [(name, extra) for name in names for extra in VARIANTS.get(name, ())]
    if arguments.costs:
        print(table([cost(*kind) for kind in kinds]))
        return
    keep_freed_memory()
    rows = Rows(arguments.output)
    run = {
        "train_seconds": arguments.train_seconds,
        "seed": arguments.seed,
        "device": choose_device(arguments.device).name,
        "threads": arguments.threads,
        "learn_from": arguments.learn_from,
        "hold_out": arguments.hold_out,
    }
    missing = [kind for kind in kinds if not rows.have({"network": label(*kind), **run})]
    if missing and not arguments.table:
        sections = Sections.read(arguments.data)
        for kind in missing:
            learnt = learn(*kind, sections, arguments)
            row = {"network": label(*kind), **run, **cost(*kind), **learnt, "training": TRAINING}
            rows.add({**row, "machine": platform.processor() or platform.machine(), "torch": torch.__version__})
            print(json.dumps(rows.all[-1]), flush=True)
    print(table([row for row in rows.all if all(row.get(k) == v for k, v in run.items())]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of image/ and label/")
    parser.add_argument("--costs", action="store_true", help="parameters and operations only")
    parser.add_argument("--table", action="store_true", help="what is there already, and nothing run")
    parser.add_argument("--networks", nargs="*", choices=network_names(), help="all by default")
    parser.add_argument("--train-seconds", type=float, default=120.0, help="for each network; 0: none")
    parser.add_argument("--learn-from", type=int, nargs="*", default=list(range(19)), help="sections, from 0")
    parser.add_argument("--hold-out", type=int, nargs="*", default=list(range(19, 24)), help="sections, from 0")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".jsonl"), help="file for the rows")
    arguments = parser.parse_args()
    if arguments.data is None and not (arguments.costs or arguments.table):
        parser.error("--data is needed, or --costs, or --table")
    return arguments


if __name__ == "__main__":
    main()
