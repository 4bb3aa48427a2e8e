"""Which threshold suits a model that learnt from strokes: the parent's, the best on those kept aside, or the chosen.

    python benchmarks/threshold.py --data ISBI                    # six runs, some minutes of one core
    python benchmarks/threshold.py --data ISBI --painted 3,11 --seeds 0 --steps 5   # only to see that it runs

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. The simulated user scribbles on 2 % of the
pixels of two sections, and a model of the synthetic sample is fine-tuned on that. Dice of the cells on sections 19 to
24 at the parent's threshold, at the one that does best on the strokes that were kept aside, at the one that fine-tuning
chooses (Bayes' rule for classes as frequent as they are), and at the best there is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from finetune import PLAIN, TEST, Bench, pre_trained

from napari_unets.images import compute_statistics, open_stack
from napari_unets.inference import InferenceSettings, keep_freed_memory
from napari_unets.learning import TunedEvent, iter_fine_tune, split_annotations, tuning_settings
from napari_unets.learning.validation import HeldOutPlanes
from napari_unets.models import Model

THRESHOLDS = tuple(round(0.05 * i, 2) for i in range(2, 19))


def best_on_strokes(bench: Bench, model: Model, seed: int) -> float:
    """Return the threshold that does best on what a run with this seed has kept aside."""
    aside = split_annotations(bench.annotations, seed=seed).validation
    statistics = compute_statistics(bench.stack, model.card.normalisation.method)
    held_out = HeldOutPlanes(model.card, bench.stack, aside, statistics, InferenceSettings(backend="torch"))
    return THRESHOLDS[int(held_out.dice_at(model.network, THRESHOLDS).argmax())]


def main() -> None:
    """Read the arguments, run, print the table."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    stack = open_stack(arguments.data / "image")
    truth = np.where(np.asarray(open_stack(arguments.data / "label")) == 0, 1, 2).astype(np.uint8)
    start = pre_trained("unet", PLAIN, arguments.pretrain, arguments.cache)
    print("| painted | seed | parent's | Dice | best on strokes | Dice | chosen | Dice | best | Dice |")
    print("|---|" + "---:|" * 9)
    for painted in arguments.painted:
        for seed in arguments.seeds:
            bench = Bench(stack, truth, 0.02, np.random.default_rng(seed))
            bench.paint(painted)
            settings = tuning_settings(steps=arguments.steps, seed=seed)
            *_, last = iter_fine_tune(start, [bench.source], settings)
            assert isinstance(last, TunedEvent)
            membrane = bench.predict(last.model, TEST)
            dice = {t: bench.scores(membrane, t)["dice"] for t in THRESHOLDS}
            best, ours = max(dice, key=dice.__getitem__), last.model.card.threshold
            dice[ours] = bench.scores(membrane, ours)["dice"]
            columns = (start.card.threshold, best_on_strokes(bench, last.model, seed), ours, best)
            found = "".join(f" {t:.2f} | {dice[t]:.3f} |" for t in columns)
            print(f"| {', '.join(str(n + 1) for n in painted)} | {seed} |{found}", flush=True)


def _sections(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--painted", type=_sections, nargs="*", default=[[3, 11], [4, 14], [7, 16]], help="pairs of sections, from 0"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--pretrain", type=float, default=25.0, help="minutes on the synthetic sample")
    parser.add_argument("--cache", type=Path, help="folder that keeps the model trained on the synthetic sample")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
