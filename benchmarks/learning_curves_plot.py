"""The picture of the learning curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

__all__ = ["plot"]

_LINES = {"whole": "-", "strokes": "--"}
_COLOURS = {"random": "tab:blue", "synthetic": "tab:orange"}
_WORDS = {"whole": "whole sections", "strokes": "strokes on them"}


def plot(rows: list[dict[str, Any]], target: Path) -> None:
    """Draw V_rand and Dice over the number of annotated sections, a line for each start and kind of annotation."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    counts = sorted({row["sections"] for row in rows})
    for axis, key, title in zip(axes, ("v_rand", "dice"), ("V_rand", "Dice (cells)"), strict=True):
        for way, colour in _COLOURS.items():
            for how, line in _LINES.items():
                mine = sorted((r["sections"], r[key]) for r in rows if (r["way"], r["annotations"]) == (way, how))
                if mine:
                    axis.plot(*zip(*mine, strict=True), f"o{line}", color=colour, label=f"{way} start, {_WORDS[how]}")
        axis.set_xscale("log", base=2)
        axis.set_xticks(counts, [str(n) for n in counts])
        axis.set(xlabel="annotated sections of 512²", title=title)
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=8, loc="lower right")
    figure.savefig(target, dpi=120)
    plt.close(figure)
