"""What strokes on pages make of document-ink: a simulated user on DIBCO pages, the scores on others.

    python benchmarks/finetune_pages.py --data DIBCO                        # some minutes of one core
    python benchmarks/finetune_pages.py --data DIBCO --start-share 0        # nothing of the parent in what is kept
    python benchmarks/finetune_pages.py --data DIBCO --side 200 --steps 2   # only to see that it runs

DIBCO holds the pages of a contest, ``*_source.png`` and ``*_target.png``. The user scribbles on 1 % of the pixels of
the first two, as many of ink as of paper, never across the edge of a letter. F-measure of the next pages: of the
model as it was, tuned at its parent's threshold, and tuned at the threshold that fine-tuning chooses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from simulated_user import scribble

from napari_unets.images import as_stack, open_stack
from napari_unets.inference import keep_freed_memory, predict
from napari_unets.learning import AnnotatedStack, TunedEvent, iter_fine_tune, tuning_settings
from napari_unets.metrics import evaluate
from napari_unets.models import Model, load_model


def page(path: Path, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the upper left part of a page in colour, and its classes: 1 = ink, 2 = paper."""
    corner = (slice(side), slice(side))
    with open_stack(path) as source, open_stack(path.with_name(path.name.replace("_source", "_target"))) as target:
        image, truth = source.plane(0, corner), target.plane(0, corner)
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    ink = (truth if truth.ndim == 2 else truth[..., 0]) == 0
    return image, np.where(ink, 1, 2).astype(np.uint8)


def f_measure(model: Model, image: np.ndarray, truth: np.ndarray, threshold: float) -> float:
    """F-measure in per cent."""
    ink = np.asarray(predict(model, as_stack(image))).squeeze() > threshold
    chosen = np.where(ink, 1, 2).astype(np.uint8)
    return float(evaluate(chosen, truth, metrics=["f_measure"], kind="document")["f_measure"])


def main() -> None:
    """Read the arguments, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="document-ink")
    parser.add_argument("--tested", type=int, default=5, help="pages after the two that are painted on")
    parser.add_argument("--side", type=int, default=1000, help="pixels of a page that are used")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--start-share", type=float, default=0.25, help="of the parent in what is kept")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    files = sorted(arguments.data.glob("*_source.png"))
    sources = []
    for seed, file in enumerate(files[:2]):
        image, truth = page(file, arguments.side)
        sources.append(AnnotatedStack.of(as_stack(image), scribble(truth, 0.01, np.random.default_rng(seed))))
    parent = load_model(arguments.model)
    settings = tuning_settings(steps=arguments.steps, start_share=arguments.start_share)
    *_, last = iter_fine_tune(parent, sources, settings)
    assert isinstance(last, TunedEvent)
    before, after = parent.card.threshold, last.model.card.threshold
    print(f"| page | as it was | tuned, threshold {before:.2f} | tuned, threshold {after:.2f} |")
    print("|---|---:|---:|---:|")
    for file in files[2 : 2 + arguments.tested]:
        image, truth = page(file, arguments.side)
        ways = ((parent, before), (last.model, before), (last.model, after))
        scores = (f"{f_measure(model, image, truth, threshold):.1f}" for model, threshold in ways)
        print(f"| {file.stem.removesuffix('_source')} | {' | '.join(scores)} |", flush=True)


if __name__ == "__main__":
    main()
