"""Facts about this machine and its installation, each as a small dictionary."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from napari_unets.cli.display import has_display, virtual_display
from napari_unets.cli.extras import installed_extras
from napari_unets.cores import usable_cores

__all__ = ["describe_machine"]

#: Of the many features of a CPU, those that decide how fast networks run on it.
_CPU_FEATURES = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16", "sve_bf16", "arm_bf16")
_QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def describe_machine() -> dict[str, Any]:
    """Collect what decides whether and how fast the package runs here.

    Returns
    -------
    dict
        JSON-able; a fact that could not be found out is None, or says why under ``error``.
    """
    return {
        "napari_unets": metadata.version("napari-unets"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "memory": _memory(),
        "torch": _torch(),
        "gpu": _gpu(),
        "backends": {"torch": _version("torch"), "openvino": _version("openvino")},
        "extras": installed_extras(),
        "napari": _version("napari"),
        "qt": next(({"binding": name, "version": v} for name in _QT_BINDINGS if (v := _version(name))), None),
        "opengl": _opengl(),
        "models": _models(),
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> dict[str, Any]:
    import torch

    ask = getattr(torch.cpu, "get_capabilities", None)  # newer torch only
    capabilities = ask() if ask is not None else {}
    return {
        "name": _cpu_name() or capabilities.get("cpu_name") or platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "features": [name for name in _CPU_FEATURES if capabilities.get(name)] if capabilities else None,
    }


def _cpu_name() -> str | None:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return None


def _memory() -> dict[str, int]:
    import psutil

    memory = psutil.virtual_memory()
    return {"total_bytes": memory.total, "available_bytes": memory.available}


def _torch() -> dict[str, Any]:
    import torch

    build = "CPU"
    if torch.version.cuda:
        build = f"CUDA {torch.version.cuda}"
    elif torch.version.hip:
        build = f"ROCm {torch.version.hip}"
    elif torch.backends.mps.is_built():
        build = "MPS"
    return {"version": torch.__version__, "build": build, "threads": torch.get_num_threads()}


def _gpu() -> dict[str, Any]:
    import torch

    from napari_unets.inference import choose_device

    choice = choose_device("auto")
    devices = [
        {"name": torch.cuda.get_device_name(i), "memory_bytes": torch.cuda.get_device_properties(i).total_memory}
        for i in range(torch.cuda.device_count())
    ]
    return {"device": choice.name, "reason": choice.reason, "devices": devices}


def _opengl() -> dict[str, Any]:
    """Ask in a process of its own: Qt ends the whole process when it finds no display or no driver."""
    if _version("napari") is None or all(_version(name) is None for name in _QT_BINDINGS):
        return {"error": "napari or Qt is not installed: pip install 'napari-unets[all]'"}
    if has_display():
        return _ask_opengl(dict(os.environ))
    with virtual_display() as environment:
        if environment is None:
            return {"error": "there is no display (DISPLAY is not set), and no Xvfb to stand in for it"}
        return _ask_opengl(environment) | {"display": "virtual (Xvfb)"}


def _ask_opengl(environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "napari_unets.widgets.opengl"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S603
    except subprocess.TimeoutExpired:
        return {"error": "Qt did not answer within a minute"}
    if done.returncode == 0:
        found: dict[str, Any] = json.loads(done.stdout)
        return found
    said = " ".join(done.stderr.split())
    return {"error": said or f"Qt ended with code {done.returncode}"}


def _models() -> dict[str, Any]:
    from napari_unets.models import ModelStore

    store = ModelStore()
    cards, broken = store.list()
    found = {"folder": str(store.user), "names": list(cards), "damaged": list(broken)}
    return found | ({"error": store.trouble} if store.trouble else {})
