"""What the demo reads and writes: one folder with the sample, its segmentation, the scores and a picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unets.models import Model

__all__ = ["DEMO_MODEL", "DemoFiles"]

DEMO_MODEL = "em-membranes"
_METRICS = ("v_rand", "v_info", "dice", "jaccard", "pixel_error", "precision", "recall")


@dataclass(frozen=True)
class DemoFiles:
    """The demo's folder."""

    folder: Path

    @property
    def image(self) -> Path:
        """The sample: grey, uint8."""
        return self.folder / "image.tif"

    @property
    def truth(self) -> Path:
        """0 = membrane, 255 = cell, uint8."""
        return self.folder / "truth.tif"

    @property
    def segmentation(self) -> Path:
        """Class ids, uint8."""
        return self.folder / "segmentation.tif"

    @property
    def scores(self) -> Path:
        """What ``napari-unets evaluate --json`` prints."""
        return self.folder / "scores.json"

    @property
    def screenshot(self) -> Path:
        """Picture of the window, or of the result where there is no window."""
        return self.folder / "screenshot.png"

    def write_sample(self) -> None:
        """Make the sample and its truth, the same on every machine, and remove what an earlier demo made of it."""
        from napari_unets.images import save_stack, synthetic_em_stack
        from napari_unets.images.synthetic import SYNTHETIC_VOXEL_SIZE_NM

        image, truth = synthetic_em_stack()
        for path in (self.segmentation, self.scores, self.screenshot):
            path.unlink(missing_ok=True)
        how: dict[str, Any] = {"axes": "zyx", "voxel_size_nm": SYNTHETIC_VOXEL_SIZE_NM, "overwrite": True}
        save_stack(self.image, image, **how)
        save_stack(self.truth, truth, labels=True, **how)

    def write_result(self, labels: NDArray[np.uint8], model: Model) -> dict[str, Any]:
        """Save a segmentation of the sample and its scores.

        Parameters
        ----------
        labels : ndarray of uint8, shape (z, y, x)
            Class ids.
        model : Model
            What made them.

        Returns
        -------
        dict
            The scores.
        """
        from napari_unets.images import open_stack, save_stack
        from napari_unets.jobs.outputs.record import record
        from napari_unets.metrics import evaluate, to_json

        with open_stack(self.image) as image, open_stack(self.truth) as truth:
            save_stack(
                self.segmentation,
                labels,
                axes=image.axes,
                voxel_size_nm=image.voxel_size_nm,
                metadata=record(model, "segmentation", image=image.name),
                labels=True,
                overwrite=True,
            )
            scores: dict[str, Any] = evaluate(labels, truth, _METRICS)
        self.scores.write_text(to_json(scores) + "\n", encoding="utf-8")
        return scores

    def read_scores(self) -> dict[str, Any]:
        """Scores that were written."""
        found: dict[str, Any] = json.loads(self.scores.read_text(encoding="utf-8"))
        return found

    def written(self) -> list[Path]:
        """Those of the files that are there."""
        every = (self.image, self.truth, self.segmentation, self.scores, self.screenshot)
        return [path for path in every if path.exists()]
