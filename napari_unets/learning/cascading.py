"""Models of the store as the modules of a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_unets.models import Model
from napari_unets.networks import ModularCascade, NetworkSettingsError

__all__ = ["cascade_models", "load_modules"]


def cascade_models(models: Sequence[Model], in_channels: int | None = None, **settings: Any) -> ModularCascade:
    """Put models one after the other, with skip connections between them and a new head.

    Parameters
    ----------
    models : sequence of Model
        In their order, any number of them, of padded U-shaped networks (U-Net, FusionNet, SF-Net). They stay as
        they are; their weights are copied.
    in_channels : int, optional
        Channels of the cascade's image; by default those of the first model.
    **settings
        Further settings of :class:`~napari_unets.networks.ModularCascade`, such as ``out_channels`` or ``skips``.

    Returns
    -------
    ModularCascade
        To be trained for its task: the new head knows nothing yet.

    Raises
    ------
    NetworkSettingsError
        If a model cannot be a module.

    Examples
    --------
    >>> from napari_unets.models import load_model
    >>> network = cascade_models([load_model("em-membranes"), load_model("em-membranes")])
    >>> network.tasks
    ['em-membranes', 'em-membranes']
    """
    if not models:
        raise NetworkSettingsError("a cascade needs at least one model")
    modules = [{"task": m.name, "network": m.card.network, **m.card.network_config} for m in models]
    network = ModularCascade(
        models[0].card.in_channels if in_channels is None else in_channels, modules=modules, **settings
    )
    load_modules(network, models)
    return network


def load_modules(network: ModularCascade, models: Sequence[Model]) -> None:
    """Give the modules of a cascade the weights of models, in order.

    Raises
    ------
    NetworkSettingsError
        If there are not as many models as modules, or one does not fit its module.
    """
    if len(models) != len(network.tasks):
        raise NetworkSettingsError(
            f"the cascade has {len(network.tasks)} modules ({', '.join(network.tasks)}), but weights are given for "
            f"{len(models)} ({', '.join(model.name for model in models)})"
        )
    for position, model in enumerate(models):
        network.load_module(position, model.network.state_dict())
