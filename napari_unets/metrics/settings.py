"""Which scores are asked for, and how they are to be computed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from napari_unets.errors import wrong_fields
from napari_unets.metrics.curve import ISBI_THRESHOLDS
from napari_unets.metrics.errors import ScoreSettingError, UnknownMetricError
from napari_unets.metrics.reading import Form, Kind, TruthForm

__all__ = ["DOCUMENT_METRICS", "METRICS", "EvaluationSettings", "iou_threshold", "make_settings"]

V_RAND_METRICS = ("v_rand", "v_rand_split", "v_rand_merge", "v_rand_threshold")
V_INFO_METRICS = ("v_info", "v_info_split", "v_info_merge", "v_info_threshold")
PIXEL_METRICS = ("dice", "jaccard", "pixel_error", "precision", "recall")
AP_METRICS = ("ap50", "ap70", "ap90")
DOCUMENT_METRICS = ("f_measure", "pseudo_f_measure", "psnr", "drd", "nrm")
METRICS = (*V_RAND_METRICS, *V_INFO_METRICS, *PIXEL_METRICS, *AP_METRICS, *DOCUMENT_METRICS)
"""Every score that `evaluate` knows; of ``apNN``, any other overlap in percent may be asked for as well."""

_AP = re.compile(r"ap(\d{1,2}(?:\.\d+)?)")
_Share = Annotated[float, Field(ge=0.0, le=1.0)]


def iou_threshold(metric: str) -> float | None:
    """Overlap that an average precision is asked for: 0.5 of ``"ap50"``; None for other scores."""
    match = _AP.fullmatch(metric)
    return float(match[1]) / 100.0 if match else None


class EvaluationSettings(BaseModel):
    """What `evaluate` is to compute. Everything has a default; see `evaluate` for the rules.

    Attributes
    ----------
    metrics : tuple of str
        Scores, out of `METRICS`.
    kind : {"em", "document", "instances", None}
        What the images show. It decides what is positive: of ``"document"`` the ink, which is the truth's 0 or class
        1; otherwise what is not 0, or class 2.
    threshold : float
        Where probabilities are cut for all scores but V_rand and V_info.
    thresholds : tuple of float
        Where they are cut for V_rand and V_info.
    alpha : float
        Weight in V_rand, from 0 (the split score alone) to 1 (the merge score alone).
    alphas : tuple of float
        Weights for which V_rand is computed as well (``v_rand_alphas``: weight, score, best threshold).
    volume : bool
        Compare segments and objects in 3-D instead of slice by slice.
    ignore : tuple of int
        Values of the truth that are left out.
    positive : int, optional
        Value of the truth (0 or other than 0; or a class id) that is positive.
    prediction_is, truth_is : str, optional
        Settle what the values are, where the rules would get them wrong.
    probability_of : {"foreground", "background"}
        What probabilities are of: of the truth's values other than 0 (class 2), or, as ``predict`` gives them, of
        its 0 (class 1).
    page_sizes : tuple of (int, int), optional
        Height and width of each plane's page, where pages of several sizes lie at the top left of planes of the
        largest: what is beside a page is then no part of it.
    per_slice, per_class, curve : bool
        Add ``per_slice``; ``per_class``; ``v_rand_curve`` and ``v_info_curve`` (threshold, score, split, merge).
    threads : int, optional
        Default: the cores that this process may use.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = ("v_rand", "dice")
    kind: Kind | None = None
    threshold: _Share = 0.5
    thresholds: Annotated[tuple[_Share, ...], Field(min_length=1)] = ISBI_THRESHOLDS
    alpha: _Share = 0.5
    alphas: tuple[_Share, ...] = ()
    volume: bool = False
    ignore: tuple[int, ...] = ()
    positive: int | None = None
    prediction_is: Form | None = None
    truth_is: TruthForm | None = None
    probability_of: Literal["foreground", "background"] = "foreground"
    page_sizes: tuple[tuple[int, int], ...] | None = None
    per_slice: bool = False
    per_class: bool = False
    curve: bool = False
    threads: Annotated[int, Field(ge=1)] | None = None

    @field_validator("metrics", mode="before")
    @classmethod
    def _split_metrics(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())

    @field_validator("ignore", mode="before")
    @classmethod
    def _one_value(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) else value

    def wants(self, *metrics: str) -> bool:
        """Whether one of the scores is asked for."""
        return any(metric in self.metrics for metric in metrics)

    @property
    def iou_thresholds(self) -> dict[str, float]:
        """The average precisions asked for, and their overlaps."""
        overlaps = {metric: iou_threshold(metric) for metric in self.metrics}
        return {metric: iou for metric, iou in overlaps.items() if iou is not None}

    @property
    def of_documents(self) -> bool:
        """Whether ink is positive: ``kind`` says so, or says nothing while a DIBCO measure is asked for."""
        return self.kind == "document" or (self.kind is None and self.wants(*DOCUMENT_METRICS))


def make_settings(settings: EvaluationSettings | None, **options: Any) -> EvaluationSettings:
    """Put options on top of settings, and check them.

    Raises
    ------
    UnknownMetricError
        A score does not exist.
    ScoreSettingError
        An option does not exist or is out of range.
    """
    given = {} if settings is None else settings.model_dump(exclude_unset=True)
    try:
        made = EvaluationSettings(**{**given, **options})
    except ValidationError as error:
        problems = wrong_fields(error, "settings")
        raise ScoreSettingError(f"These settings of the scores do not work: {problems}.") from None
    unknown = [name for name in made.metrics if name not in METRICS and iou_threshold(name) is None]
    if unknown:
        raise UnknownMetricError(
            f"There is no score named {', '.join(map(repr, unknown))}. There are: {', '.join(METRICS)}, and apNN for "
            "any other overlap in percent."
        )
    if made.volume and made.page_sizes is not None:
        raise ScoreSettingError("Pages of several sizes are scored one by one; leave volume off for them.")
    if made.volume and made.wants(*DOCUMENT_METRICS):
        raise ScoreSettingError("The DIBCO measures are of single pages; leave volume off for them.")
    return made
