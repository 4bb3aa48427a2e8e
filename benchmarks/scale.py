"""Sections whose pixels are larger or smaller than those that a model has learnt from, seen as they are and rescaled.

    python benchmarks/scale.py --data ISBI

ISBI holds the sections 1 to 24 of ISBI 2012 as ``image/`` and ``label/``. The two that em-membranes has not learnt from
are brought to other pixel sizes, with their labels, and scored there as they are, at the scale that the pixel size asks
for, and at the one that is found without knowing it: V_rand at its best threshold, Dice of the cells.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage.transform import resize

from napari_unets.images import open_stack
from napari_unets.inference import find_scale, predict
from napari_unets.inference.settings import fitting_scale
from napari_unets.metrics import evaluate
from napari_unets.models import load_model

NM = 4.0  # a pixel of the sections


def brought_to(planes: npt.NDArray[np.uint8], factor: float) -> npt.NDArray[np.float64]:
    """Resize planes; what becomes smaller is smoothed first."""
    height, width = (round(n * factor) for n in planes.shape[1:])
    sized = [resize(plane, (height, width), anti_aliasing=factor < 1, preserve_range=True) for plane in planes]
    return np.stack(sized)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of image/ and label/")
    parser.add_argument("--model", default="em-membranes")
    parser.add_argument("--planes", type=int, nargs="+", default=[4, 13], help="sections, from 0")
    parser.add_argument("--sizes", type=float, nargs="+", default=[4, 1.33, 2, 6, 8, 10, 16], help="nanometres a pixel")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    with open_stack(arguments.data / "image") as image, open_stack(arguments.data / "label") as label:
        planes, truth = (np.stack([stack.plane(n) for n in arguments.planes]) for stack in (image, label))
    print("| nm a pixel | scale | which is | V_rand | Dice |\n|---:|---:|---|---:|---:|")
    for size in arguments.sizes:
        seen = brought_to(planes, NM / size).round().astype(np.uint8)
        cells = np.where(brought_to(truth, NM / size) > 127, 255, 0).astype(np.uint8)
        scales: dict[float, list[str]] = {}
        scales.setdefault(1.0, []).append("as it is")
        scales.setdefault(fitting_scale(size, NM), []).append("by the pixel size")
        scales.setdefault(find_scale(model, seen).scale, []).append("found")
        for scale, which in sorted(scales.items()):
            membrane = predict(model, seen, scale=scale)
            v_rand = float(evaluate(1 - membrane, cells, metrics=["v_rand"])["v_rand"])
            chosen = np.where(membrane > 0.5, 1, 2).astype(np.uint8)
            dice = float(evaluate(chosen, cells, metrics=["dice"])["dice"])
            print(f"| {size:g} | {scale:g} | {', '.join(which)} | {v_rand:.3f} | {dice:.3f} |", flush=True)


if __name__ == "__main__":
    main()
