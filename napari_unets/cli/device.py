"""``--device``: where to compute, the same for all commands."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Device"]


def _known(device: str) -> str:
    """Refuse a word that is no device; whether this machine has it is found out when it is needed."""
    from pydantic import ValidationError

    from napari_unets.inference.settings import InferenceSettings, explain

    try:
        return InferenceSettings(device=device).device
    except ValidationError:
        raise typer.BadParameter(f"{device}: {explain('device', '')}") from None


Device = Annotated[
    str,
    typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; cuda:1 for a second GPU.", callback=_known),
]
