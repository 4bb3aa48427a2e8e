"""The figure of the benchmark of volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

__all__ = ["plot"]


def plot(result: dict[str, Any], target: Path) -> None:
    """Draw cost over planes, speed over workers as measured, and over many more as simulated."""
    mpl.use("Agg")
    figure, (planes, workers, simulated) = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    rows = result["planes"]
    counts, costs = [r["planes"] for r in rows], [r["seconds_per_megapixel"] for r in rows]
    planes.plot(counts, costs, "o-")
    planes.set(xlabel="planes", ylabel="seconds a megapixel", title="Cost, one process", xticks=counts)
    planes.set_ylim(0, 1.3 * max(costs))
    rows = result["workers"]
    counts = [r["workers"] for r in rows]
    workers.plot(counts, [r["speedup"] for r in rows], "o-", label="measured")
    workers.plot(counts, [r["machine"] for r in rows], "--", color="C1", label="processes that only compute")
    workers.plot(counts, counts, ":", color="grey", label="ideal")
    workers.set(xlabel="workers of one thread", ylabel="speed-up", title="This machine", xticks=counts)
    workers.set_ylim(0, max(counts) + 0.5)
    workers.legend(fontsize=8)
    for name in dict.fromkeys(r["name"] for r in result["simulation"]):
        mine = [r for r in result["simulation"] if r["name"] == name]
        simulated.plot([r["workers"] for r in mine], [r["megapixels_per_second"] for r in mine], ".-", label=name)
    simulated.set(xlabel="workers", ylabel="megapixels a second", title="Simulated cluster", xscale="log", yscale="log")
    simulated.legend(fontsize=7)
    for axis in (planes, workers, simulated):
        axis.grid(alpha=0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    plt.close(figure)
