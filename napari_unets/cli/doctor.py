"""``napari-unets doctor``: what is installed, what is used, and if no GPU is, why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from napari_unets.cli.extras import describe_extra
from napari_unets.cli.terminal import print_json, print_table

__all__ = ["doctor"]

_GIB = 2**30


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what is installed, which device is used, and if it is not a GPU, why."""
    from napari_unets.cli.machine import describe_machine

    facts = describe_machine()
    if as_json:
        print_json(facts)
    else:
        print_table(["", "found"], [[name, value] for name, value in _lines(facts)])


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Put the facts as name and sentence."""
    cpu, memory, torch, gpu, opengl = (facts[key] for key in ("cpu", "memory", "torch", "gpu", "opengl"))
    features = ", ".join(cpu["features"]) if cpu["features"] else "unknown on this system"
    devices = [f"{device['name']}, {device['memory_bytes'] / _GIB:.0f} GiB" for device in gpu["devices"]]
    openvino = facts["backends"]["openvino"]
    qt = facts["qt"]
    return [
        ("napari-unets", facts["napari_unets"]),
        ("Python", f"{facts['python']} on {facts['platform']}"),
        ("CPU", f"{cpu['name']}, {cpu['cores']} usable core{'s' * (cpu['cores'] != 1)}"),
        ("CPU features", features),
        ("memory", f"{memory['available_bytes'] / _GIB:.1f} of {memory['total_bytes'] / _GIB:.1f} GiB free"),
        ("torch", f"{torch['version']}, {torch['build']} build, {torch['threads']} threads"),
        ("GPU", "; ".join(devices) or "none"),
        ("runs on", gpu["reason"]),
        ("OpenVINO", openvino or "not installed: pip install 'napari-unets[openvino]' makes CPUs faster"),
        *((name, describe_extra(name, libraries)) for name, libraries in facts["extras"].items()),
        ("napari", facts["napari"] or "not installed: pip install 'napari-unets[all]'"),
        ("Qt", f"{qt['binding']} {qt['version']}" if qt else "not installed: pip install 'napari-unets[all]'"),
        ("OpenGL", opengl.get("error") or f"{opengl['version']}, {opengl['renderer']}"),
        ("models", _models(facts["models"])),
    ]


def _models(models: dict[str, Any]) -> str:
    trouble = f"; {models['error']}" if "error" in models else ""
    return f"{', '.join(models['names'])}; yours are kept in {models['folder']}{trouble}"
