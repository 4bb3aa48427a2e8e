"""Takes the picture of docs/neurites.md anew, and prints its scores: ``python docs/neurites.py``."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_unets.images.synthetic import synthetic_em_volume
from napari_unets.inference import LinkSettings, link_slices, membrane_instances, merged_instances, predict
from napari_unets.metrics.v_rand import v_rand
from napari_unets.models import load_model

IMAGES = Path(__file__).parent / "images"
SLICES = range(4, 8)


def main() -> None:
    image, _, truth = synthetic_em_volume(16, 256, seed=3)
    probability = predict(load_model("em-membranes"), image)
    perfect = np.stack([membrane_instances((plane == 0).astype(np.float32), min_size=0) for plane in truth])
    watershed = np.stack([membrane_instances(plane) for plane in probability])
    merged = np.stack([merged_instances(plane, merge_below=0.4) for plane in probability])
    alone = watershed.astype(int) + np.where(watershed, 10_000 * np.arange(16)[:, None, None], 0)
    linked = link_slices(watershed)
    for name, objects in (
        ("the truth's slices, linked", link_slices(perfect)),
        ("em-membranes, slices by themselves", alone),
        ("em-membranes, linked", linked),
        ("em-membranes, overlap of 0.3 and more", link_slices(watershed, settings=LinkSettings(min_overlap=0.3))),
        ("em-membranes, merged below 0.4, linked", link_slices(merged)),
    ):
        score = v_rand(objects.astype(int), truth.astype(int), volume=True)
        ids = len(np.unique(objects)) - 1
        print(f"{name}: {score.score:.4f} (split {score.split:.4f}, merge {score.merge:.4f}), {ids} ids")
    colours = np.random.default_rng(1).integers(60, 256, (int(linked.max()) + 1, 3))
    grey = np.repeat(image[..., None], 3, axis=-1)
    painted = np.where(linked[..., None] > 0, 0.45 * grey + 0.55 * colours[linked], grey).astype(np.uint8)
    picture = Image.fromarray(np.concatenate([painted[z] for z in SLICES], axis=1))
    picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / "neurites.png", optimize=True)


if __name__ == "__main__":
    main()
