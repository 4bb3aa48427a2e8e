"""How a model is run: one declaration for Python, the shell and the widget."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_unets.inference.errors import InferenceSettingError

__all__ = ["InferenceSettings", "fitting_scale", "is_far_from", "merged"]

#: Beyond this factor cells look too large or too small to a model.
_FACTOR = 1.5


class InferenceSettings(BaseModel):
    """Where and how exactly a model runs; every default is what most people want.

    Attributes
    ----------
    device : str
        ``"auto"`` (the fastest there is), ``"cpu"``, ``"mps"``, ``"cuda"``, or one GPU as ``"cuda:1"``.
    backend : {"auto", "torch", "openvino"}
        ``"auto"`` is OpenVINO on the CPU where it is installed, and torch everywhere else.
    precision : {"auto", "fp32", "bf16"}
        ``"auto"`` computes in bf16 where the hardware has instructions for it. Results are float32 always.
    tta : bool
        Test-time augmentation: the mean over the eight flips and rotations; eight times the work.
    scale : float
        The network sees the image so many times as large: 2 where pixels are twice as large as those it has learnt
        from, 0.5 where they are half as large. In quarters; the result has the image's own size.
    tile : int or None
        Largest side of a window, in pixels; None chooses from the free memory. Windows are fitted to the
        image, so most are smaller; where the halo needs more, they are larger.
    halo : "card", "exact" or int
        Pixels that a window sees beyond those it answers for: the figure that the model's card states as
        measured, the network's receptive field (tiled then equals whole), or a number.
    batch : int or None
        Windows computed together; None chooses from the free memory.
    threads : int or None
        CPU threads; None leaves the choice to the back end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    backend: Literal["auto", "torch", "openvino"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    tta: bool = False
    scale: Annotated[float, Field(ge=0.25, le=4, multiple_of=0.25)] = 1.0
    tile: Annotated[int, Field(ge=1)] | None = None
    halo: Literal["card", "exact"] | Annotated[int, Field(ge=0)] = "card"
    batch: Annotated[int, Field(ge=1)] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None


#: What the settings can be whose bounds pydantic would give as a pattern, or a kind of number at a time.
ALLOWED = {
    "device": "auto, cpu, mps, cuda, or one GPU such as cuda:1",
    "scale": "a number from 0.25 to 4, in quarters",
    "halo": "card, exact, or a number of pixels from 0",
}


def fitting_scale(pixel_size_nm: float, known_nm: float) -> float:
    """Return the scale at which a model sees pixels as large as those that it has learnt from, as near as it can be.

    Parameters
    ----------
    pixel_size_nm : float
        Of the image.
    known_nm : float
        Of the images that the model has learnt from.

    Returns
    -------
    float
        In quarters, 0.25 to 4.
    """
    return min(max(round(4 * pixel_size_nm / known_nm) / 4, 0.25), 4.0)


def is_far_from(pixel_size_nm: float, known_nm: float) -> bool:
    """Whether what an image shows looks too large or too small to a model.

    Parameters
    ----------
    pixel_size_nm : float
        Of the image, as the model sees it.
    known_nm : float
        Of the images that the model has learnt from.
    """
    return not 1 / _FACTOR <= pixel_size_nm / known_nm <= _FACTOR


def explain(name: str, said: str) -> str:
    """Say what a setting should be, in words for people where pydantic's are not."""
    return f"should be {ALLOWED[name]}" if name in ALLOWED else said.replace("Input should", "should", 1)


def merged(settings: InferenceSettings | None, overrides: dict[str, Any]) -> InferenceSettings:
    """Return settings with some of them replaced, validated.

    Raises
    ------
    InferenceSettingError
        If a setting does not exist, or cannot have this value.
    """
    if not isinstance(settings, InferenceSettings | None):
        raise InferenceSettingError(
            f"settings are InferenceSettings, not {settings!r}; or give each by its name: tile=512"
        )
    given = {} if settings is None else settings.model_dump()
    try:
        return InferenceSettings(**{**given, **overrides})
    except ValidationError as error:
        said = {str(e["loc"][0]): e["msg"] for e in reversed(error.errors())}
        wrong = "; ".join(f"{name}: {explain(name, said[name])}" for name in reversed(said))
        names = ", ".join(InferenceSettings.model_fields)
        raise InferenceSettingError(
            f"these settings of inference do not work: {wrong}. The settings are: {names}"
        ) from None
