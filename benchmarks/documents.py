"""Ink on pages that training never saw: thresholds, one U-Net, and the modular cascade with and without its parts.

    python benchmarks/documents.py --data ../shared/data/dibco --models otsu sauvola my-models/document-ink
    python benchmarks/documents.py --made-up 6 --models document-ink
    python benchmarks/documents.py --data ../shared/data/dibco --train 40 --output my-models
    python benchmarks/documents.py --data ../shared/data/dibco --train 40 --hold-out "2014/*" --output my-models-2014

Scores models (names in the store, or folders) on the pages that the recipe document-ink holds out, each score the
mean over the pages. With ``--train M`` the recipes of the comparison are trained first, M minutes each; the modules
must be in the store. A model that is in the output folder already is not trained again, and a run that was stopped
goes on. ``--made-up N`` scores on pages that no model has learnt from: text, stains and bleed-through of our own
making. Prints a table, and writes documents.json beside this file or where ``--json`` says.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from imageio.v3 import imwrite

from napari_unets.images import open_stack, synthetic_page
from napari_unets.inference import Predictor, keep_freed_memory, segment
from napari_unets.learning import StepEvent, ValidationEvent, read_recipe, run_recipe
from napari_unets.learning.pages import find_pages, matches, read_truth
from napari_unets.metrics import evaluate
from napari_unets.models import load_model

TRAINING = Path(__file__).parents[1] / "training"
RECIPES = (
    "document-unet",
    "document-ink-untrained-modules",
    "document-ink-without-skips",
    "document-ink-last-head",
    "document-ink",
)
THRESHOLDS = ("otsu", "sauvola")
SCORES = {"f_measure": "F", "pseudo_f_measure": "pseudo-F", "psnr": "PSNR (dB)", "drd": "DRD"}


def recipe_of(name: str, output: Path, hold_out: list[str] | None) -> Path:
    """Name the file of a recipe, or of one that is the same but for the pages that it holds out."""
    recipe = TRAINING / f"{name}.toml"
    if hold_out is None:
        return recipe
    output.mkdir(parents=True, exist_ok=True)
    changed = output / recipe.name
    changed.write_text(f"extends = {json.dumps(str(recipe.resolve()))}\n[data]\nvalidation = {json.dumps(hold_out)}\n")
    return changed


def train(name: str, data: Path, output: Path, minutes: float, hold_out: list[str] | None) -> None:
    """Train one recipe of the comparison, unless it is there already."""
    folder = output / name
    if folder.exists() and not folder.with_name(f"{name}.checkpoint.safetensors").exists():
        return
    options = {"minutes": minutes, "resume": True, "overwrite": folder.exists()}
    for event in run_recipe(recipe_of(name, output, hold_out), data, folder, **options):
        if isinstance(event, ValidationEvent):
            scores = ", ".join(f"{key} {value:.3f}" for key, value in event.scores.items())
            print(f"{name}, step {event.step}: {scores}", flush=True)
        elif isinstance(event, StepEvent) and event.step == 1:
            print(f"{name}: {minutes:g} minutes", flush=True)


def make_up(count: int, folder: Path) -> None:
    """Write pages as the contests' are."""
    folder.mkdir()
    for seed in range(count):
        page = synthetic_page(seed=seed)
        imwrite(folder / f"{seed}_source.png", page.image)
        imwrite(folder / f"{seed}_target.png", page.truth)


def score(name: str, pages: dict[str, tuple[Path, Path]]) -> dict[str, object]:
    """Mean scores of a model over some pages, and how fast it was."""
    model = load_model(name)
    predictor = Predictor(model)
    per_page: dict[str, dict[str, float]] = {}
    seconds = pixels = 0.0
    for page, (image, truth_path) in pages.items():
        truth = np.where(read_truth(truth_path) == 0, 0, 255).astype(np.uint8)
        with open_stack(image) as stack:
            start = time.perf_counter()
            found = segment(model, stack, predictor=predictor)[0]
            seconds += time.perf_counter() - start
        pixels += truth.size
        values = evaluate(found, truth, metrics=list(SCORES))
        per_page[page] = {key: float(values[key]) for key in SCORES}
    predictor.close()
    record = model.card.training
    return {
        "model": model.name,
        "parameters": model.network.n_parameters,
        "minutes": record.minutes if record else None,
        "steps": record.steps if record else None,
        **{key: float(np.mean([values[key] for values in per_page.values()])) for key in SCORES},
        "seconds_a_megapixel": seconds / pixels * 1e6,
        "pages": per_page,
    }


def table(rows: list[dict[str, object]]) -> str:
    """Format the rows as a Markdown table."""
    lines = ["| model | parameters | minutes | " + " | ".join(SCORES.values()) + " | s/Mpx |"]
    lines.append("|---|---:|---:|" + "---:|" * (len(SCORES) + 1))
    for row in rows:
        minutes = "" if row["minutes"] is None else f"{row['minutes']:.0f}"
        scores = " | ".join(f"{row[key]:.2f}" for key in SCORES)
        lines.append(
            f"| {row['model']} | {row['parameters']:,} | {minutes} | {scores} | {row['seconds_a_megapixel']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--data", type=Path, help="folder of YEAR/NAME_source.png and _target.png")
    where.add_argument("--made-up", type=int, metavar="N", help="score on N made-up pages instead")
    parser.add_argument("--models", nargs="*", default=[], help="names or folders; the thresholds come by themselves")
    parser.add_argument("--train", type=float, metavar="MINUTES", help="train the recipes of the comparison first")
    parser.add_argument("--output", type=Path, help="folder of the models to be trained")
    parser.add_argument("--recipes", nargs="*", default=RECIPES, choices=RECIPES, help="which to train; all by default")
    parser.add_argument("--hold-out", nargs="*", help="patterns of pages not to learn from, other than the recipe's")
    parser.add_argument("--pages", nargs="*", help="patterns, such as 2014/*; by default what the recipe holds out")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"), help="file for the figures")
    arguments = parser.parse_args()
    if (arguments.train is None) != (arguments.output is None):
        parser.error("--train and --output belong together")
    if arguments.train is not None and arguments.data is None:
        parser.error("--train needs --data")
    models = [*THRESHOLDS, *arguments.models]
    keep_freed_memory()
    if arguments.train is not None:
        for name in arguments.recipes:
            train(name, arguments.data, arguments.output, arguments.train, arguments.hold_out)
            models.append(str(arguments.output / name))
    recipe = read_recipe(TRAINING / "document-ink.toml").data
    patterns = arguments.pages or arguments.hold_out or recipe.validation
    with tempfile.TemporaryDirectory() as name:
        data = arguments.data
        if data is None:
            data, patterns = Path(name), ["made-up/*"]
            make_up(arguments.made_up, data / "made-up")
        found = find_pages(data, recipe.images, recipe.labels)
        pages = {name: paths for name, paths in found.items() if matches(name, patterns)}
        if not pages:
            parser.error(f"no page in {data} fits {' '.join(patterns)}")
        rows = [score(name, pages) for name in models]
    arguments.json.write_text(json.dumps({"pages": list(pages), "models": rows}, indent=2) + "\n", encoding="utf-8")
    print(f"{len(pages)} pages: {', '.join(patterns)}\n")
    print(table(rows))


if __name__ == "__main__":
    main()
