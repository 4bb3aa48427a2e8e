"""A model that has learnt nothing yet: a network with random weights, and the classes that it is to tell apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from napari_unets.models.card import UNSAVED, ClassInfo, ModelCard, TrainingRecord, model_name
from napari_unets.models.classes import CLASS_COLOURS
from napari_unets.models.errors import ModelCardError
from napari_unets.models.model import Model

__all__ = ["SUGGESTED_SETTINGS", "new_model"]

#: What to begin with, by the networks' names, the first choice first: the papers' widths, but for U-Net, and batch
#: normalisation, without which few annotations teach nothing in minutes. U-Net is given what pixel classifiers look at
#: as well: from random weights it finds faint membranes that it would not find without (benchmarks/README.md).
SUGGESTED_SETTINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "unet": {"width": 16, "batch_norm": True, "filter_scales": (1.0, 2.0, 4.0, 8.0)},
    "unet-plus-plus": {"width": 32, "batch_norm": True},
    "sf-net": {"width": 64},
    "fusionnet": {"width": 64},
    "modular-cascade": {"width": 8},
    "segnet": {},
    "fcn-8s": {"batch_norm": True},
    "sliding-window": {"width": 48},
}
_LARGEST_HALO = 128


def new_model(
    name: str,
    network: str = "unet",
    classes: Sequence[str] = ("object", "background"),
    *,
    rgb: bool = False,
    task: Literal["em", "document", "other"] = "other",
    pixel_size_nm: float | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> Model:
    """Make a model with random weights, to be fine-tuned on annotations.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, dots, dashes.
    network : str
        One of :func:`~napari_unets.networks.network_names`.
    classes : sequence of str
        Names of the classes 1, 2, …; two at least.
    rgb : bool
        Whether it sees colour.
    task : {"em", "document", "other"}
        Kind of images.
    pixel_size_nm : float, optional
        Of the images that it is to learn from, in nanometres.
    seed : int
        Another seed, other weights.
    settings : mapping, optional
        Keywords of the network; they replace single ones of :data:`SUGGESTED_SETTINGS`.

    Returns
    -------
    Model
        Its card says :attr:`~napari_unets.models.ModelCard.is_untrained`. Keep it with
        :func:`napari_unets.models.save_model`.

    Raises
    ------
    UnknownNetworkError, NetworkSettingsError
        If there is no such network, or it has no such settings.
    ModelCardError
        If the name is none, there are fewer than two classes or two of one name, the pixel size is not above 0, or the
        network is a formula without weights.
    """
    if model_name(name) != name:
        raise ModelCardError(f"{name!r} is no name of a model; {model_name(name)!r} is one")
    if isinstance(classes, str):
        raise ModelCardError(f"{name}: classes are a list of names, such as ['object', 'background'], not {classes!r}")
    if len(set(classes)) < max(2, len(classes)) or not all(of.strip() for of in classes):
        raise ModelCardError(f"{name}: name two classes or more that differ, such as object and background")
    if pixel_size_nm is not None and not 0 < pixel_size_nm < math.inf:
        raise ModelCardError(f"{name}: a pixel is not {pixel_size_nm:g} nm large; give a size above 0, or none")

    import torch

    from napari_unets.networks import NetworkSettingsError, create_network, network_class

    if not network_class(network).has_weights:
        raise ModelCardError(f"{name}: {network} is a formula without weights, which cannot learn; choose a network")
    if decided := {"in_channels", "out_channels"} & set(settings or {}):
        raise NetworkSettingsError(f"{', '.join(sorted(decided))} cannot be set: colour and classes decide")
    keywords = {**SUGGESTED_SETTINGS.get(network, {}), **(settings or {})}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = create_network(network, 3 if rgb else 1, 1 if len(classes) == 2 else len(classes), **keywords)
    colours = [CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in range(len(classes))]
    named = zip(classes, colours, strict=True)
    card = ModelCard(
        name=name,
        title=name,
        summary="Has learnt nothing yet: annotate, and fine-tune it.",
        task=task,
        network=network,
        network_config=made.config,
        classes=[ClassInfo(id=i, name=of, color=colour) for i, (of, colour) in enumerate(named, 1)],
        pixel_size_nm=pixel_size_nm,
        halo=min(made.receptive_field_radius, _LARGEST_HALO),
        weights_sha256=UNSAVED,
        training=TrainingRecord(data="nothing: random weights", seed=seed),
        licence="not stated",
    )
    return Model(card, network=made.eval())
