"""``napari-unets evaluate``: scores of a prediction against a ground truth."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unets.cli.opening import Axes
from napari_unets.cli.terminal import note, print_table, progress_bar
from napari_unets.errors import NapariUnetsError

if TYPE_CHECKING:
    from napari_unets.cli.pairing import OpenPair

__all__ = ["evaluate"]

Scores = dict[str, Any]


class Kind(StrEnum):
    """What the images show."""

    EM = "em"
    DOCUMENT = "document"
    INSTANCES = "instances"


class Side(StrEnum):
    """What probabilities can be of."""

    FOREGROUND = "foreground"
    BACKGROUND = "background"


class NotComparableError(NapariUnetsError):
    """A prediction and a truth that cannot be compared; the message names both."""


def evaluate(
    prediction: Annotated[Path, typer.Argument(metavar="PREDICTION", help="A file, or a folder.")],
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="A file, or a folder with files of the same names.")],
    metrics: Annotated[str, typer.Option(metavar="NAME,...", help="Which scores.")] = "v_rand,dice",
    per_slice: Annotated[bool, typer.Option("--per-slice", help="Also the scores of each slice.")] = False,
    volume: Annotated[
        bool, typer.Option("--volume", help="Compare segments and objects in 3-D, instead of slice by slice.")
    ] = False,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Also Dice, Jaccard, precision and recall of each class.")
    ] = False,
    kind: Annotated[
        Kind | None, typer.Option(help="What the images show, where neither the files nor the metrics say it.")
    ] = None,
    probability_of: Annotated[
        Side | None,
        typer.Option(help="What probabilities from elsewhere are of: what the truth's 0 marks is the background."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which dataset of PREDICTION, where there are several.")
    ] = None,
    truth_dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which dataset of TRUTH, where there are several.")
    ] = None,
    axes: Axes = None,
    truth_axes: Annotated[str | None, typer.Option(metavar="LETTERS", help="As --axes, of TRUTH.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the scores of each slice as a table.")
    ] = None,
) -> None:
    """Score a segmentation or probabilities against a ground truth."""
    from napari_unets.cli.pairing import open_pairs
    from napari_unets.images.suffixes import is_image_name
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.metrics import to_json

    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    if as_csv and (as_csv.is_dir() or not as_csv.parent.is_dir()):
        said = f"{as_csv} is a folder" if as_csv.is_dir() else f"there is no folder {as_csv.parent}"
        raise typer.BadParameter(f"{said}; name a file in a folder that is there", param_hint="--csv")
    if as_csv and not os.access(as_csv if as_csv.exists() else as_csv.parent, os.W_OK):  # not after the scoring
        raise typer.BadParameter(f"{as_csv} cannot be written (no right to); name another file", param_hint="--csv")
    if as_csv and is_image_name(as_csv):  # a pattern that the shell has expanded, or TRUTH in the wrong place
        raise typer.BadParameter(f"{as_csv} is the name of an image; name a .csv file", param_hint="--csv")
    options: Scores = {"metrics": metrics, "per_slice": True, "per_class": per_class, "volume": volume}
    options |= {"kind": kind.value} if kind else {}
    options |= {"probability_of": probability_of.value} if probability_of else {}
    openings = Opening(dataset=dataset, axes=axes), Opening(dataset=truth_dataset, axes=truth_axes)
    with ExitStack() as files:
        pairs = open_pairs(prediction, truth, files, openings, volume=volume)
        results = [_score(pair, pair.options | options) for pair in pairs]
    scores = results[0] if len(results) == 1 else _mean(results)
    slices = [name for pair, of in zip(pairs, results, strict=True) for name in _row_names(pair, of["per_slice"])]
    rows = scores["per_slice"] if per_slice else scores.pop("per_slice")
    if as_json:
        typer.echo(to_json(scores))
    elif as_csv:
        names = pairs[0].class_names
        _write_csv(as_csv, slices, [_with_classes(row, names) for row in rows], _with_classes(scores, names))
    else:
        _print(slices, rows if per_slice else [], scores)
        _print_classes(scores.get("per_class", {}), pairs[0].class_names)


def _score(pair: OpenPair, options: Scores) -> Scores:
    from napari_unets.metrics import Evaluation, ShapeMismatchError, TruthError

    try:
        evaluation = Evaluation(pair.prediction, pair.truth, **options)
    except (ShapeMismatchError, TruthError) as error:
        raise NotComparableError(f"{pair.name}: {error}") from error
    words = evaluation.prediction.words + (" of class 1" if options.get("probability_of") == "background" else "")
    note(f"{pair.name}: the prediction is read as {words}; the truth as {evaluation.truth.words}")
    with progress_bar("scoring") as report:
        for _ in evaluation.run():
            report(len(evaluation.slices), evaluation.n_slices)
    if evaluation.doubt is not None:
        note(f"warning: {evaluation.doubt}")
    return evaluation.result()


def _row_names(pair: OpenPair, rows: list[Scores]) -> list[str]:
    """Name the slices; or the volumes, one a row, after the pair."""
    if len(rows) == len(pair.slices):
        return pair.slices
    return [pair.name] if len(rows) == 1 else [f"{pair.name} {i}" for i in range(len(rows))]


def _mean(results: list[Scores]) -> Scores:
    """Means over the slices or pages of several images, each image scored by itself; what is undefined is left out."""
    from napari_unets.metrics.pixels import PIXEL_SCORES

    mean: Scores = {}
    rows = [row for result in results for row in result["per_slice"]]
    for name in _names(results[0]):
        mean[name] = _mean_of(row.get(name, math.nan) for row in rows)
    classes = [row["per_class"] for row in rows if "per_class" in row]
    if classes:
        mean["per_class"] = {
            label: {name: _mean_of(c[label][name] for c in classes if label in c) for name in PIXEL_SCORES}
            for label in sorted({label for c in classes for label in c}, key=lambda label: (len(label), label))
        }
    undefined = {name: reason for result in results for name, reason in result.get("undefined", {}).items()}
    return mean | {"per_slice": rows} | ({"undefined": undefined} if undefined else {})


def _mean_of(values: Iterable[float]) -> float:
    defined = [value for value in values if math.isfinite(value)]
    return sum(defined) / len(defined) if defined else math.nan


def _names(scores: Scores) -> list[str]:
    return [name for name, value in scores.items() if isinstance(value, float | int)]


def _print(slices: list[str], rows: list[Scores], scores: Scores) -> None:
    names = _names(scores)
    if rows:
        table = [[name, *(_text(row.get(n)) for n in names)] for name, row in zip(slices, rows, strict=True)]
        print_table(["slice", *names], [*table, ["mean", *(_text(scores[n]) for n in names)]], align="right")
    else:
        print_table(["score", "value"], [[name, _text(scores[name])] for name in names], align="right")
    for name, reason in scores.get("undefined", {}).items():
        note(f"{name} is undefined: {reason}")


def _with_classes(scores: Scores, names: dict[str, str]) -> Scores:
    """Put the scores of each class beside the others: ``dice of membrane``."""
    classes: dict[str, Scores] = scores.get("per_class", {})
    return scores | {
        f"{n} of {names.get(label, label)}": value for label, of in classes.items() for n, value in of.items()
    }


def _print_classes(classes: Scores, names: dict[str, str]) -> None:
    if classes:
        columns = list(next(iter(classes.values())))
        rows = [[names.get(label, label), *(_text(of[name]) for name in columns)] for label, of in classes.items()]
        print_table(["class", *columns], rows, align="right")


def _text(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.5f}"


def _write_csv(path: Path, slices: list[str], rows: list[Scores], scores: Scores) -> None:
    names = _names(scores)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["slice", *names])
        table.writerows([name, *(row.get(n, "") for n in names)] for name, row in zip(slices, rows, strict=True))
        table.writerow(["mean", *(scores[n] for n in names)])
