"""Scores of document models on pages with a truth, as the DIBCO contests give them: the mean of the pages.

python benchmarks/binarisation.py ../shared/data/dibco/2016 --models otsu,niblack,sauvola,wolf
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from napari_unets import evaluate, load_model, open_stack
from napari_unets.inference import Predictor, segment

METRICS = ["f_measure", "pseudo_f_measure", "psnr", "drd", "nrm"]


def scores_of(name: str, folder: Path) -> dict[str, float]:
    """Mean scores of a model on the pages of a folder, and its seconds per million pixels."""
    pages, seconds, pixels = [], 0.0, 0
    with Predictor(load_model(name)) as predictor:
        for source in sorted(folder.glob("*_source.png")):
            target = source.with_name(source.name.replace("_source", "_target"))
            with open_stack(source) as page, open_stack(target) as truth:
                image = page[...]
                begun = time.perf_counter()
                ids = segment(predictor.model, image, predictor=predictor)
                seconds += time.perf_counter() - begun
                pixels += ids.size
                pages.append(evaluate(ids, truth, metrics=METRICS, kind="document"))
    mean = {metric: float(np.mean([page[metric] for page in pages])) for metric in METRICS}
    return mean | {"pages": len(pages), "s_per_megapixel": 1e6 * seconds / pixels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds NAME_source.png and NAME_target.png (0 = ink)")
    parser.add_argument("--models", default="otsu,niblack,sauvola,wolf")
    given = parser.parse_args()
    for name in given.models.split(","):
        print(json.dumps({"model": name, **scores_of(name, given.folder)}), flush=True)


if __name__ == "__main__":
    main()
