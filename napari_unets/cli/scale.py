"""``--scale``: a number, or found out by looking at pixel sizes or at the image itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from napari_unets.cli.terminal import note

if TYPE_CHECKING:
    from napari_unets.images import Stack
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.jobs.outputs.settings import OutputSettings
    from napari_unets.models import Model, ModelCard

__all__ = ["AUTO", "advise", "with_scale_found"]

#: What ``--scale`` says for a scale to be found.
AUTO = "auto"


def advise(card: ModelCard, sources: Sequence[str], opening: Opening, what: OutputSettings) -> None:
    """Say when pixels are of another size than those that the model knows, of the first input that can be opened.

    Parameters
    ----------
    card : ModelCard
        Of the model.
    sources, opening, what
        See :func:`with_scale_found`.
    """
    from napari_unets.inference.settings import fitting_scale, is_far_from

    if card.pixel_size_nm is None:
        return
    for source, stack in _openable(sources, opening, what):
        size = stack.voxel_size_nm
        if size is not None and is_far_from(size[-1], card.pixel_size_nm):
            fitting = fitting_scale(size[-1], card.pixel_size_nm)
            note(
                f"{source}: pixels of {size[-1]:g} nm; {card.name} has learnt from {card.pixel_size_nm:g} nm. "
                f"--scale {fitting:g} lets it see them as large as those"
            )
        return


def with_scale_found(
    settings: InferenceSettings, model: Model, sources: Sequence[str], opening: Opening, what: OutputSettings
) -> InferenceSettings:
    """Find the scale for the first input that can be opened; it holds for all, as they come from one microscope.

    Where the file and the model's card both know how large pixels are, they decide; otherwise the image does:
    see :func:`napari_unets.inference.find_scale`.

    Parameters
    ----------
    settings : InferenceSettings
        Where and how to run.
    model : Model
        That is to see the inputs.
    sources : sequence of str
        The inputs.
    opening, what : Opening, OutputSettings
        How they are opened.

    Returns
    -------
    InferenceSettings
        The same with the scale that was found; with their own if no input can be opened, which is said later.
    """
    for source, stack in _openable(sources, opening, what):
        scale, why = _scale_for(stack, model, settings, inverts=opening.invert)
        note(f"scale {scale:g}: {source}: {why}{'; it holds for all inputs' if len(sources) > 1 else ''}")
        return settings.model_copy(update={"scale": scale})
    return settings


def _openable(sources: Sequence[str], opening: Opening, what: OutputSettings) -> Iterator[tuple[str, Stack]]:
    """Open one input after the other, but those that cannot be opened."""
    from napari_unets.images import ImageError

    for source in sources:
        try:
            stack = _opened(source, opening, what)
        except ImageError:
            continue
        with stack:
            yield source, stack


def _opened(source: str, opening: Opening, what: OutputSettings) -> Stack:
    from napari_unets.images import MixedSizesError, open_page
    from napari_unets.jobs.volumes.job import open_source

    try:
        return open_source(source, opening, what)
    except MixedSizesError:
        return open_page(source, 1, dpi=what.dpi, invert=opening.invert)


def _scale_for(stack: Stack, model: Model, settings: InferenceSettings, *, inverts: bool) -> tuple[float, str]:
    from napari_unets.inference import find_scale
    from napari_unets.inference.settings import fitting_scale

    known, size = model.card.pixel_size_nm, stack.voxel_size_nm
    if known is not None and size is not None:
        return fitting_scale(size[-1], known), f"pixels of {size[-1]:g} nm; {model.name} has learnt from {known:g} nm"
    found = find_scale(model, stack, settings=settings)
    if not found.agreement:
        return found.scale, "it is empty, so that nothing can be told from it"
    if found.invert:
        advice = "leave --invert out" if inverts else "give --invert"
        return 1.0, f"{model.name} knows such images only with bright and dark exchanged: {advice}"
    tried = ", ".join(f"{scale:g}: {value:.3f}" for scale, value in found.agreement.items())
    if not found.is_sure:
        why = f"may not know such images: turned, it sees something else in them (agreement {tried})"
        return found.scale, f"{model.name} {why}"
    return found.scale, f"{model.name} agrees best with itself on what it sees turned (by scale: {tried})"
