"""The curve of the fine-tuning benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

__all__ = ["plot"]


def plot(points: list[dict[str, Any]], target: Path) -> None:
    """Draw V_rand and Dice over the minutes, averaged over eight orientations too; the forest as level lines."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for axis, key, title in zip(axes, ("v_rand", "dice"), ("V_rand", "Dice"), strict=True):
        for way in dict.fromkeys(p["way"] for p in points):
            mine = [p for p in points if p["way"] == way]
            if way == "random forest":
                for p, style in zip(mine, (":", "--"), strict=True):
                    axis.axhline(
                        p[key], color="grey", linestyle=style, label=f"random forest, {p['sections']} sections"
                    )
            else:
                trained = [p for p in mine if p["minutes"] > 0]
                minutes = [p["minutes"] for p in trained]
                (line,) = axis.plot(minutes, [p[key] for p in trained], "o-", label=f"from {way}")
                averaged = [p[f"{key}_tta"] for p in trained]
                axis.plot(minutes, averaged, "--", color=line.get_color(), label="the same, eight orientations")
        axis.set(xlabel="minutes of training", title=title)
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=8, loc="lower right")
    figure.savefig(target, dpi=120)
    plt.close(figure)
