"""Is a model what its card says? Looked at without loading its weights, or trusting them or the card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.models.errors import ModelCardError, WeightsError

if TYPE_CHECKING:
    from napari_unets.models.card import ModelCard

__all__ = ["check_fit", "check_hash", "compare_hash"]


def check_hash(card: ModelCard, weights: Path) -> None:
    """Compare a file of weights with the hash on a card.

    Parameters
    ----------
    card : ModelCard
        The card.
    weights : Path
        The file; of a formula there is none.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or is not the one of the card.
    """
    if card.weights_sha256 is None:
        return
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"{weights}: the weights of model {card.name!r} cannot be read ({error.strerror})"
        ) from error
    compare_hash(weights, found, card.weights_sha256)


def compare_hash(weights: Path, found: str, wanted: str) -> None:
    """Compare the hash of a file of weights with the one that its card wants.

    Raises
    ------
    WeightsError
        If they differ.
    """
    if found != wanted:
        raise WeightsError(
            f"{weights}: the weights are not those of the card (SHA-256 {found[:12]}…, the card says "
            f"{wanted[:12]}…): the file is damaged or was replaced; fetch the model again"
        )


def check_fit(card: ModelCard, weights: Path) -> None:
    """Compare the names and shapes of all tensors in a file with those of the card's network; this loads torch.

    Parameters
    ----------
    card, weights
        As for :func:`check_hash`.

    Raises
    ------
    WeightsError
        If the file is none of weights, or they do not fit.
    ModelCardError
        If the card's network cannot be built.
    """
    shapes = _shapes_of_network(card)
    if card.weights_sha256 is None:
        if shapes:
            raise WeightsError(f"model {card.name!r}: the network {card.network!r} needs weights, the card names none")
        return
    if not shapes:
        raise WeightsError(f"model {card.name!r}: {card.network!r} is a formula without weights, the card names some")
    there = _shapes_in_file(weights)
    if there != shapes:
        wrong = sorted(name for name in there.keys() | shapes.keys() if there.get(name) != shapes.get(name))
        raise WeightsError(
            f"{weights}: the weights do not fit the card's network {card.network!r}: {len(wrong)} of {len(shapes)} "
            f"tensors differ, such as {wrong[0]}"
        )


def _shapes_of_network(card: ModelCard) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors that the network of the card has; no memory is taken for them."""
    import torch

    from napari_unets.errors import NapariUnetsError
    from napari_unets.networks import create_network

    try:
        with torch.device("meta"):
            network = create_network(card.network, **card.network_config)
    except NapariUnetsError as error:
        raise ModelCardError(f"model {card.name!r}: {error}") from error
    except Exception as error:
        raise ModelCardError(
            f"model {card.name!r}: no network {card.network!r} can be built with {card.network_config} ({error})"
        ) from error
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _shapes_in_file(weights: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(weights), framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise WeightsError(f"{weights}: is no safetensors file ({error}); fetch the model again") from error
