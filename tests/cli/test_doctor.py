"""``napari-unets doctor``."""

from __future__ import annotations

import json

import torch

from napari_unets.cli import machine


def test_json_says_what_is_here(program):
    result = program("doctor", "--json")
    assert result.code == 0
    facts = json.loads(result.out)
    assert facts["torch"]["version"] == torch.__version__
    assert facts["memory"]["total_bytes"] >= facts["memory"]["available_bytes"] > 0
    assert facts["cpu"]["cores"] >= 1
    assert facts["gpu"]["reason"]
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
