"""``napari-unets doctor``."""

from __future__ import annotations

import json
from importlib import metadata

import torch

from napari_unets.cli import extras, machine


def test_json_says_what_is_here(program):
    result = program("doctor", "--json")
    assert result.code == 0
    facts = json.loads(result.out)
    assert facts["torch"]["version"] == torch.__version__
    assert facts["memory"]["total_bytes"] >= facts["memory"]["available_bytes"] > 0
    assert facts["cpu"]["cores"] >= 1
    assert facts["gpu"]["reason"]
    assert set(facts["extras"]["documents"]) >= {"pypdfium2", "img2pdf"}
    assert facts["extras"]["documents"]["img2pdf"] == metadata.version("img2pdf")
    assert set(facts["opengl"]) >= {"renderer"} or facts["opengl"]["error"]


def test_table_gives_the_reason_for_the_cpu(program, monkeypatch):
    monkeypatch.setattr(machine, "_opengl", lambda: {"error": "no driver for this card"})
    result = program("doctor")
    assert result.code == 0
    for part in ("torch", "runs on", "OpenGL", "no driver for this card", torch.__version__):
        assert part in result.out


def test_without_display_and_xvfb_opengl_says_so(monkeypatch):
    monkeypatch.setattr(machine, "has_display", lambda: False)
    monkeypatch.setenv("PATH", "")
    assert "no display" in machine._opengl()["error"]


def test_what_an_extra_lacks_is_said_with_how_to_get_it(program, monkeypatch):
    known = metadata.version

    def version(name):
        if name in ("img2pdf", "h5py", "mrcfile", "fsspec"):
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(extras.metadata, "version", version)
    monkeypatch.setattr(machine, "_opengl", lambda: {"error": "no driver for this card"})
    lines = {line.split("│")[1].strip(): line for line in program("doctor").out.splitlines() if "│" in line}
    pypdfium2 = known("pypdfium2")
    assert f"pypdfium2 {pypdfium2}" in lines["documents"]
    assert "img2pdf missing (PDF in and out): pip install 'napari-unets[documents]'" in lines["documents"]
    assert "fsspec, h5py, mrcfile missing (HDF5, MRC, remote files): pip install" in lines["formats"]
    assert "missing" not in lines["exchange"]
