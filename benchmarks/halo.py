"""How much a model's result changes with the halo: what the ``halo`` on its card is chosen by.

    python benchmarks/halo.py --model em-membranes --images ../shared/data/isbi2012/image

Compares tiled results, with windows as small as each halo allows, to the exact one (halo "exact", which equals the
whole plane), in fp32. Prints a table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from napari_unets.images import open_stack, synthetic_em_stack
from napari_unets.inference import predict
from napari_unets.models import load_model

HALOS = (8, 16, 24, 32, 48, 64, 96, 128)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="em-membranes")
    parser.add_argument("--images", type=Path, help="a stack; a synthetic one by default")
    parser.add_argument("--planes", type=int, default=2, help="how many planes to compare")
    parser.add_argument("--tile", type=int, default=256, help="largest side of a window")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    if arguments.images:
        with open_stack(arguments.images) as stack:
            planes = np.stack([stack.plane(i) for i in range(min(arguments.planes, stack.n_planes))])
    else:
        planes = synthetic_em_stack(arguments.planes, 512)[0]
    fixed = {"backend": "torch", "precision": "fp32", "device": "cpu"}
    exact = predict(model, planes, halo="exact", **fixed)
    threshold = model.card.threshold
    print("| halo (px) | mean difference | largest difference | pixels that change class |")
    print("|---:|---:|---:|---:|")
    for halo in HALOS:
        tiled = predict(model, planes, halo=halo, tile=arguments.tile, **fixed)
        difference = np.abs(tiled - exact)
        changed = np.mean((tiled > threshold) != (exact > threshold))
        print(f"| {halo} | {difference.mean():.1e} | {difference.max():.1e} | {changed:.1e} |")


if __name__ == "__main__":
    main()
