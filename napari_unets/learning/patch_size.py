"""Patches of a size that a network takes."""

from __future__ import annotations

from napari_unets.learning.settings import FitSettings
from napari_unets.networks import Network

__all__ = ["with_fitting_patch"]


def with_fitting_patch(settings: FitSettings, network: Network) -> FitSettings:
    """Return the settings with a patch that the network takes.

    A network without padding answers for the middle of a patch only, so that the patch grows by its margin on all
    sides: as much is learnt from as of a padded network's patch.

    Parameters
    ----------
    settings : FitSettings
        Of a run.
    network : Network
        What is trained.

    Returns
    -------
    FitSettings
        As they were, if the network takes the patch.
    """
    if network.next_valid_size(settings.patch) == settings.patch:
        return settings
    return settings.model_copy(update={"patch": network.next_valid_size(settings.patch + 2 * network.margin)})
