"""What is made of an image: one declaration for the shell and the widget."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_unets.jobs.outputs.record import Output

__all__ = ["Kind", "OutputSettings"]

Kind = Literal["segmentation", "probabilities", "instances", "clean"]


class OutputSettings(BaseModel):
    """Which output is made of an image, and how.

    Attributes
    ----------
    kind : {"segmentation", "probabilities", "instances", "clean"}
        Class ids, probabilities, objects, or clean pages: the ink on white.
    threshold : float or None
        Class 1 is where its probability is above this; left empty, the threshold on the model's card.
    min_size : int
        Objects of fewer pixels in a plane are left out.
    link : bool
        Objects keep their ids from plane to plane.
    merge_below : float or None
        Mean membrane probability of a border, below which two regions are merged before linking.
    ortho : bool
        The mean of three orientations, for isotropic volumes.
    pages : str or None
        Which pages of each input, such as ``1-3,7``; left empty, all.
    dpi : float or None
        Pixels an inch in which PDFs are rendered; left empty, those of the scan, or 300.
    colour : bool
        Ink on clean pages keeps its colour.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "segmentation"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    min_size: Annotated[int, Field(ge=0, le=1_000_000)] = 64
    link: bool = False
    merge_below: Annotated[float, Field(ge=0, le=1)] | None = None
    ortho: bool = False
    pages: str | None = None
    dpi: float | None = None
    colour: bool = False

    @property
    def output(self) -> Output:
        """What the pixels are before they are shown as a clean page."""
        return "segmentation" if self.kind == "clean" else self.kind

    def changed(self) -> dict[str, Any]:
        """Return the settings that are not what every run does, without the kind; JSON values."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"kind"})

    def of_prediction(self) -> dict[str, Any]:
        """Return the arguments of :func:`~napari_unets.inference.predict`."""
        return {"ortho": self.ortho}

    def of_segmentation(self) -> dict[str, Any]:
        """Return the arguments of :func:`~napari_unets.inference.segment`."""
        common = {"ortho": self.ortho, "threshold": self.threshold}
        if self.kind != "instances":
            return common
        common["min_size"] = self.min_size
        if not self.link:
            return {**common, "instances": True}
        from napari_unets.inference import LinkSettings

        return {**common, "instances": "3d", "linking": LinkSettings(merge_below=self.merge_below)}
