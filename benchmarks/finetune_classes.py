"""A third class, learnt from strokes: a simulated user paints dark bodies in cells, beside membranes and cells.

    python benchmarks/finetune_classes.py --data ISBI                # some minutes of one core
    python benchmarks/finetune_classes.py --data ISBI --steps 2      # only to see that it runs

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. Dark bodies are the darkest parts of the
cells, larger than 250 pixels, mitochondria most of them: a tenth of a section. The user scribbles on two sections, as
much of each of the three classes. Dice of each class and the share of right pixels, on six other sections: of the
model that takes them for as frequent as they are among the strokes, and of the one that fine-tuning makes of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from simulated_user import scribble
from skimage.morphology import remove_small_objects

from napari_unets.images import as_stack, open_stack
from napari_unets.inference import keep_freed_memory, predict
from napari_unets.learning import AnnotatedStack, TunedEvent, fine_tuning, iter_fine_tune, tuning_settings
from napari_unets.learning.sparse import SparseAnnotations
from napari_unets.models import ClassInfo, Model, load_model
from napari_unets.networks import Network

CLASSES = ("membrane", "cell", "dark body")
TEST = range(18, 24)


def three_classes(image: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Class ids of a section: 1 = membrane, 2 = cell, 3 = dark body."""
    smooth = ndimage.gaussian_filter(image.astype(np.float32), 4)
    inside = ndimage.binary_erosion(cells, iterations=3)
    dark = remove_small_objects(inside & (smooth < np.percentile(smooth[inside], 18)), max_size=250)
    ids = np.where(cells, 2, 1).astype(np.uint8)
    ids[ndimage.binary_dilation(dark, iterations=2) & cells] = 3
    return ids


def tuned(start: Model, source: AnnotatedStack, steps: int, seed: int) -> tuple[Model, Model]:
    """Fine-tune; the model before and after it is told how frequent the classes are."""
    seen: list[Network] = []
    adjust = fine_tuning.adjusted_to_frequencies

    def watched(network: Network, *arguments: Any) -> Network:
        seen.append(network)
        return adjust(network, *arguments)

    fine_tuning.adjusted_to_frequencies = watched
    classes = [ClassInfo(id=i, name=name, color="#808080") for i, name in enumerate(CLASSES, 1)]
    *_, last = iter_fine_tune(start, [source], tuning_settings(steps=steps, seed=seed), classes=classes)
    fine_tuning.adjusted_to_frequencies = adjust
    assert isinstance(last, TunedEvent)
    return Model(last.model.card, network=seen[0] if seen else last.model.network), last.model


def scores(model: Model, images: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of each class, and the share of right pixels."""
    chosen = np.asarray(predict(model, as_stack(images), all_classes=True)).argmax(0) + 1
    dice = [2 * np.mean((chosen == c) & (truth == c)) / np.mean((chosen == c) * 1.0 + (truth == c)) for c in (1, 2, 3)]
    return [*map(float, dice), float(np.mean(chosen == truth))]


def main() -> None:
    """Read the arguments, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="em-membranes-fast")
    parser.add_argument(
        "--painted", type=lambda s: [int(n) for n in s.split(",")], nargs="*", default=[[3, 11], [4, 14]]
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    stack = open_stack(arguments.data / "image")
    cells = np.asarray(open_stack(arguments.data / "label")) > 0
    images = np.asarray(stack)
    truth = np.stack([three_classes(*pair) for pair in zip(images, cells, strict=True)])
    shares = ", ".join(f"{name} {np.mean(truth == c):.2f}" for c, name in enumerate(CLASSES, 1))
    print(f"shares of the sections: {shares}\n\n| painted | seed | | {' | '.join(CLASSES)} | right |")
    print("|---|---:|---|" + "---:|" * 4)
    start = load_model(arguments.model)
    for painted in arguments.painted:
        for seed in arguments.seeds:
            rng = np.random.default_rng(seed)
            strokes = {n: scribble(truth[n], 0.02, rng) for n in painted}
            source = AnnotatedStack(stack, SparseAnnotations(truth.shape, strokes))
            for what, model in zip(("before", "after"), tuned(start, source, arguments.steps, seed), strict=True):
                found = " | ".join(f"{s:.3f}" for s in scores(model, images[TEST], truth[TEST]))
                print(f"| {', '.join(str(n + 1) for n in painted)} | {seed} | {what} | {found} |", flush=True)


if __name__ == "__main__":
    main()
