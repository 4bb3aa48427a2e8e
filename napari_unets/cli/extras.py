"""The optional libraries: which are installed, and how to get the others."""

from __future__ import annotations

import re
from importlib import metadata

__all__ = ["EXTRAS", "describe_extra", "installed_extras"]

#: Extras that can be missing without anything else saying so, and what each is for.
EXTRAS = {
    "documents": "PDF in and out",
    "formats": "HDF5, MRC, remote files",
    "exchange": "ONNX",
    "cluster": "job schedulers, the cluster's web page",
}

_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+).*;\s*extra\s*==\s*['\"]([a-z]+)['\"]")


def installed_extras() -> dict[str, dict[str, str | None]]:
    """Find the libraries of each extra of this package.

    Returns
    -------
    dict
        For each of :data:`EXTRAS` its libraries, and their versions, or None of those that are missing.
    """
    found: dict[str, dict[str, str | None]] = {name: {} for name in EXTRAS}
    for line in metadata.requires("napari-unets") or ():
        match = _REQUIREMENT.match(line)
        if match is not None and match[2] in found:
            found[match[2]][match[1]] = _version(match[1])
    return {name: dict(sorted(libraries.items())) for name, libraries in found.items()}


def describe_extra(name: str, libraries: dict[str, str | None]) -> str:
    """Say in a line what is there, or what is missing and how to install it.

    Parameters
    ----------
    name : str
        One of :data:`EXTRAS`.
    libraries : dict
        As :func:`installed_extras` gives them.
    """
    there = ", ".join(f"{library} {version}" for library, version in libraries.items() if version)
    missing = [library for library, version in libraries.items() if version is None]
    if not missing:
        return there
    needed = f"{', '.join(missing)} missing ({EXTRAS[name]}): pip install 'napari-unets[{name}]'"
    return f"{there}; {needed}" if there else needed


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
