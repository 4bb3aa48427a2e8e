"""How long the scores take: V_rand of an ISBI stack, one slice while painting, and the DIBCO measures of an A4 page.

Run ``python benchmarks/metrics.py`` for a table, with ``--json`` for one object. Wall time, the best of the repeats;
the first call of all, which compiles (or loads what was compiled before), is given apart.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from scipy import ndimage
from skimage import data, transform
from skimage.filters import threshold_sauvola

from napari_unets.cores import usable_cores
from napari_unets.images.synthetic import synthetic_em_stack
from napari_unets.metrics import evaluate
from napari_unets.metrics.settings import DOCUMENT_METRICS

A4_AT_300_DPI = (3508, 2480)


def sections(n_planes):
    """Smoothed sections as probabilities, which fall into hundreds of segments at most thresholds, and their truth."""
    image, truth = synthetic_em_stack(n_planes, 512)
    smooth = np.stack([ndimage.gaussian_filter(plane.astype(np.float32), 1.5) for plane in image])
    low, high = np.percentile(smooth, (1, 99))
    return np.clip((smooth - low) / (high - low), 0.0, 1.0).astype(np.float32), truth


def page():
    """A page of print in the size of a scan, and the same one binarised with another threshold."""
    scan = transform.rescale(data.page().astype(np.float32), 3, order=3)
    repeats = [int(np.ceil(a / b)) for a, b in zip(A4_AT_300_DPI, scan.shape, strict=True)]
    height, width = A4_AT_300_DPI
    paper = np.tile(scan > threshold_sauvola(scan, 75, 0.2, 128), repeats)[:height, :width]
    found = np.tile(scan > 0.9 * threshold_sauvola(scan, 75, 0.15, 128), repeats)[:height, :width]
    return np.ascontiguousarray(found), np.ascontiguousarray(paper).astype(np.uint8) * 255


def seconds(function, repeats):
    """Time of the first call, and the shortest of the following ones."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times[0], min(times[1:])


def measure(repeats):
    """All figures, in seconds."""
    probability, truth = sections(30)
    found, paper = page()
    cases = {
        "one slice of 512², V_rand (11 thresholds) and Dice": lambda: evaluate(probability[0], truth[0]),
        "30 slices of 512², V_rand and V_info, 11 thresholds": lambda: evaluate(probability, truth, "v_rand,v_info"),
        "A4 page at 300 dpi, F, pseudo-F, PSNR, DRD, NRM": lambda: evaluate(found, paper, DOCUMENT_METRICS),
    }
    return {name: dict(zip(("first", "best"), seconds(case, repeats), strict=True)) for name, case in cases.items()}


def main():
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    figures = measure(max(1, arguments.repeats))
    if arguments.json:
        print(json.dumps({"threads": usable_cores(), "seconds": figures}, indent=2, ensure_ascii=False))
        return
    print(f"{usable_cores()} threads; seconds (first call, best)")
    for name, times in figures.items():
        print(f"{name:<55}{times['first']:8.2f}{times['best']:8.3f}")


if __name__ == "__main__":
    main()
