"""Write a model's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import ValidationError

from napari_unets.errors import wrong_fields
from napari_unets.models.card import ModelCard
from napari_unets.models.errors import ModelCardError, NotAModelError, WeightsError
from napari_unets.models.model import CARD_FILE, WEIGHTS_FILE
from napari_unets.models.placing import made_beside
from napari_unets.networks import Network

__all__ = ["save_model"]


def save_model(network: Network, card: ModelCard, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write ``card.json`` and ``weights.safetensors`` (float16) into a folder, moved into place in whole.

    A formula without weights gets its card alone.

    Parameters
    ----------
    network : Network
        Weights to save; its name and config replace those on the card.
    card : ModelCard
        ``weights_sha256`` is filled in.
    folder : str or Path
        Does not exist yet, unless ``overwrite``.
    overwrite : bool
        Replace a model that is there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelExistsError
        If the folder exists and ``overwrite`` is False, or it is something else than a model.
    WeightsError
        If there are weights that are no numbers, or too large for float16.
    NotAModelError
        If they are no network and no card.
    ModelCardError
        If the card is one of other classes than the network tells apart.
    ModelFileError
        If it cannot be written.
    """
    import torch
    from safetensors.torch import save

    if not isinstance(network, Network) or not isinstance(card, ModelCard):
        raise NotAModelError(
            f"a model is saved by its network and its card, not by a {type(network).__name__} and a "
            f"{type(card).__name__}: save_model(model.network, model.card, folder)"
        )
    folder = Path(folder).expanduser()
    weights = {
        k: (v.to(torch.float16) if v.is_floating_point() else v).cpu().contiguous()
        for k, v in network.state_dict().items()
    }
    if wrong := [k for k, v in weights.items() if v.is_floating_point() and not bool(torch.isfinite(v).all())]:
        raise WeightsError(
            f"{folder}: the model {card.name} has weights that are no numbers, or too large for 16 bits ({wrong[0]}); "
            "it is not saved. Train it again, with a lower learning rate"
        )
    content = save(weights) if network.has_weights else None
    filled = card.model_copy(
        update={
            "network": network.name,
            "network_config": network.config,
            "weights_sha256": None if content is None else hashlib.sha256(content).hexdigest(),
        }
    )
    try:
        filled = ModelCard.model_validate(filled.model_dump())
    except ValidationError as error:
        raise ModelCardError(f"{folder}: the card does not fit this network: {wrong_fields(error, 'card')}") from error
    with made_beside(folder, overwrite=overwrite) as made:
        if content is not None:
            (made / WEIGHTS_FILE).write_bytes(content)
        (made / CARD_FILE).write_text(filled.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return folder
