"""A model: a card, and the network that is built from it when first needed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.models.card import ModelCard, read_card
from napari_unets.models.checking import compare_hash
from napari_unets.models.errors import NotAModelError, WeightsError

if TYPE_CHECKING:  # torch is loaded with the weights, not with the list of models
    from napari_unets.networks import Network

__all__ = ["CARD_FILE", "WEIGHTS_FILE", "Model", "check_model", "read_model"]

CARD_FILE = "card.json"
WEIGHTS_FILE = "weights.safetensors"


class Model:
    """A network with its weights and its card.

    Parameters
    ----------
    card : ModelCard
        What the model is.
    folder : Path, optional
        Where its weights lie; not needed if ``network`` is given.
    network : Network, optional
        A network that is already in memory (put into eval mode).
    """

    def __init__(self, card: ModelCard, folder: Path | None = None, network: Network | None = None) -> None:
        if folder is None and network is None:
            raise ValueError("a model needs the folder of its weights or a network")
        self.card = card
        self.folder = folder
        self._network = network.eval() if network is not None else None

    def __repr__(self) -> str:
        return f"<Model {self.name}: {self.card.network}, {', '.join(c.name for c in self.card.classes)}>"

    @property
    def name(self) -> str:
        """Name on the card."""
        return self.card.name

    @property
    def network(self) -> Network:
        """The network in eval mode with float32 weights on the CPU; loaded on first use.

        Raises
        ------
        WeightsError
            If the weights are missing, damaged, or do not fit the network of the card.
        """
        if self._network is None:
            assert self.folder is not None  # noqa: S101 - held by __init__
            self._network = _load_network(self.card, self.folder / WEIGHTS_FILE)
        return self._network


def check_model(model: object) -> None:
    """See that it is a model, and not the name of one, or a network alone.

    Raises
    ------
    NotAModelError
        If so; the message says how to come by a model.
    """
    if isinstance(model, str | Path):
        raise NotAModelError(f"{str(model)!r} is the name of a model, give the model: load_model({str(model)!r})")
    if not isinstance(model, Model):
        raise NotAModelError(
            f"a {type(model).__name__} is no model; load_model gives one, and Model(card, network=...) makes one"
        )


def _load_network(card: ModelCard, path: Path) -> Network:
    import torch
    from safetensors.torch import load

    from napari_unets.networks import create_network, network_class

    if network_class(card.network).has_weights != card.has_weights:
        raise WeightsError(
            f"{path.with_name(CARD_FILE)}: the network {card.network!r} "
            + ("needs weights, but the card names none" if card.weights_sha256 is None else "has no weights")
        )
    if card.weights_sha256 is None:
        return create_network(card.network, **card.network_config).eval()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: the weights of model {card.name!r} are missing; fetch the model again") from None
    except OSError as error:
        raise WeightsError(f"{path}: the weights of model {card.name!r} cannot be read ({error})") from error
    compare_hash(path, hashlib.sha256(content).hexdigest(), card.weights_sha256)
    network = create_network(card.network, **card.network_config)
    try:
        weights = {k: v.float() if v.dtype == torch.float16 else v for k, v in load(content).items()}
        network.load_state_dict(weights)
    except Exception as error:
        raise WeightsError(f"{path}: the weights do not fit the card's network {card.network!r}: {error}") from error
    return network.eval()


def read_model(folder: Path) -> Model:
    """Model of a folder with ``card.json`` and ``weights.safetensors``; the weights are read on first use.

    A formula has no weights, and no such file.

    Raises
    ------
    ModelCardError, ModelVersionError
        If the card is missing, invalid or too new.
    WeightsError
        If there are no weights beside it.
    """
    card = read_card(folder / CARD_FILE)
    if card.weights_sha256 is not None and not os.path.isfile(folder / WEIGHTS_FILE):  # noqa: PTH113
        raise WeightsError(
            f"{folder / WEIGHTS_FILE}: the weights of model {card.name!r} are missing; fetch the model again"
        )
    return Model(card, folder)
