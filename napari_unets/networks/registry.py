"""Networks by name."""

from __future__ import annotations

import difflib
import inspect
from typing import Any, TypeVar

from napari_unets.networks.base import Network
from napari_unets.networks.errors import NetworkSettingsError, UnknownNetworkError

__all__ = ["create_network", "network_class", "network_names", "register"]

_CLASSES: dict[str, type[Network]] = {}
_N = TypeVar("_N", bound=type[Network])


def register(cls: _N) -> _N:
    """Class decorator: make a network available under its :attr:`~Network.name`."""
    _CLASSES[cls.name] = cls
    return cls


def network_names() -> list[str]:
    """Names of the networks that can be trained, in the order of their registration; formulas are left out."""
    return [name for name, cls in _CLASSES.items() if cls.has_weights]


def network_class(name: str) -> type[Network]:
    """Class registered under a name.

    Raises
    ------
    UnknownNetworkError
        If there is none; the message lists the names that exist and the nearest one.
    """
    try:
        return _CLASSES[name]
    except KeyError:
        near = difflib.get_close_matches(str(name), _CLASSES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNetworkError(
            f"there is no network {name!r}; the networks are {', '.join(_CLASSES)}.{hint}"
        ) from None


def create_network(name: str, in_channels: int = 1, out_channels: int = 1, **settings: Any) -> Network:
    """Build a network with fresh (random) weights.

    Parameters
    ----------
    name : str
        One of :func:`network_names`.
    in_channels, out_channels : int
        Channels of the image and of the result; one output channel for two classes.
    **settings
        Further keywords of the class, such as feature widths.

    Returns
    -------
    Network
        A ``torch.nn.Module``: a batch (n, in_channels, y, x) to logits (n, out_channels, y, x).

    Raises
    ------
    UnknownNetworkError
        If no network has that name.
    NetworkSettingsError
        If the class does not take one of the keywords, or their values do not fit together.

    Examples
    --------
    >>> create_network("unet", out_channels=3, width=16).n_parameters
    1940851
    """
    cls = network_class(name)
    known = [k for k in inspect.signature(cls).parameters if k not in ("in_channels", "out_channels")]
    if strange := sorted(set(settings) - set(known)):
        raise NetworkSettingsError(f"{name} has no setting {', '.join(strange)}; it has {', '.join(known) or 'none'}")
    try:
        return cls(in_channels=in_channels, out_channels=out_channels, **settings)
    except (TypeError, ValueError) as error:  # a word where a number belongs, for instance
        given = settings | {"in_channels": in_channels, "out_channels": out_channels}
        said = ", ".join(f"{key}={value!r}" for key, value in given.items())
        raise NetworkSettingsError(f"{name} cannot be built with {said}: {error}") from error
