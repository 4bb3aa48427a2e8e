"""The benchmarks run; those with a row for each network or number of sections keep it at once, and go on."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import imageio.v3 as iio
import pytest

from napari_unets.images import synthetic_em_stack

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def sections(tmp_path: Path) -> Path:
    """24 small sections as ISBI 2012 has them."""
    for name, stack in zip(("image", "label"), synthetic_em_stack(24, 64, seed=1), strict=True):
        (tmp_path / name).mkdir()
        for i, plane in enumerate(stack, start=1):
            iio.imwrite(tmp_path / name / f"{i:02d}.png", plane)
    return tmp_path


def benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module(name)


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_networks(sections: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    networks = benchmark("networks", monkeypatch)
    monkeypatch.setattr(networks, "VARIANTS", {"sliding-window": [{"width": 4, "hidden": 8}]})
    monkeypatch.setattr(networks, "TRAINING", {"batch": 1, "patch": 32})
    output = sections / "rows.jsonl"
    arguments = ("--data", sections, "--device", "cpu", "--output", output, "--train-seconds", 0.05)
    run(networks, monkeypatch, *arguments, "--networks", "sliding-window")
    first = rows(output)
    assert [row["network"] for row in first] == ["sliding-window", "sliding-window (width 4, hidden 8)"]
    for row in first:
        assert row["kflop"] == row["kflop_formula"]
        assert row["steps"] >= 1
        assert row["pixels_a_second"] > 0
        assert {"v_rand", "dice"} <= set(row)
    run(networks, monkeypatch, *arguments, "--networks", "sliding-window")
    run(networks, monkeypatch, *arguments, "--table")
    assert rows(output) == first
    assert "| sliding-window (width 4, hidden 8) | " in capsys.readouterr().out


def test_operations_of_a_network_worked_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two convolutions a stage; at half the size a pixel counts a quarter."""
    operations = benchmark("operations", monkeypatch)
    found = operations.kflop_a_pixel("unet", {"width": 2, "depth": 1, "dropout": 0.0})
    down = 9 * (1 * 2 + 2 * 2)
    bridge = 9 * (2 * 4 + 4 * 4) / 4
    up = 4 * 4 * 2 / 4
    merge = 9 * (4 * 2 + 2 * 2)
    by_hand = 2 * (down + bridge + up + merge + 2) / 1000
    assert found == pytest.approx({"kflop": by_hand, "kflop_formula": by_hand})


def test_learning_curves(sections: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = benchmark("learning_curves", monkeypatch)
    monkeypatch.setattr(curves, "synthetic_em_stack", lambda _planes, _size, seed: synthetic_em_stack(2, 64, seed=seed))
    output, picture = sections / "rows.jsonl", sections / "curves.png"
    arguments = ("--data", sections, "--device", "cpu", "--output", output, "--train-seconds", 0.05)
    network = ("--network", "unet", "--settings", '{"width": 2, "depth": 2, "batch_norm": true}')
    run(curves, monkeypatch, *arguments, *network, "--sections", 2, "--ways", "random")
    first = rows(output)
    assert [(row["sections"], row["annotations"]) for row in first] == [(2, "whole"), (2, "strokes")]
    assert first[0]["pixels"] == 2 * 64 * 64
    assert 2 * 0.02 * 64 * 64 <= first[1]["pixels"] < first[0]["pixels"] / 3
    run(curves, monkeypatch, *arguments, *network, "--sections", 2, "--annotations", "whole", "--plot", picture)
    second = rows(output)
    assert second[:2] == first
    assert [row["way"] for row in second[2:]] == ["synthetic"]
    assert picture.stat().st_size > 1000


def test_sections_are_evenly_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = benchmark("learning_curves", monkeypatch)
    assert [curves.spread(n) for n in (1, 2, 4)] == [[9], [4, 14], [2, 7, 11, 16]]
    assert curves.spread(19) == list(range(19))


def test_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    documents = benchmark("documents", monkeypatch)
    output = tmp_path / "scores.json"
    run(documents, monkeypatch, "--made-up", 1, "--json", output)
    found = json.loads(output.read_text())
    assert found["pages"] == ["made-up/0_source.png"]
    assert [row["model"] for row in found["models"]] == ["otsu", "sauvola"]
    otsu, sauvola = (row["f_measure"] for row in found["models"])
    assert 0 < otsu < sauvola < 100  # stains are dark: one threshold for all of a page takes them for ink
    assert "| sauvola | 0 |" in capsys.readouterr().out


def test_finetune_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark("documents", monkeypatch).make_up(3, tmp_path / "pages")
    pages = benchmark("finetune_pages", monkeypatch)
    run(pages, monkeypatch, "--data", tmp_path / "pages", "--side", 160, "--steps", 1, "--model", "module-otsu")
    (row,) = (line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:])
    assert row[0] == "2"
    assert all(0 <= float(score) <= 100 for score in row[1:])


def test_scale(sections: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run(benchmark("scale", monkeypatch), monkeypatch, "--data", sections, "--sizes", 8)
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    which = {row[1]: row[2] for row in rows if row[0] == "8"}
    assert which["1"].startswith("as it is")
    assert which["2"].startswith("by the pixel size")
    assert sum("found" in words for words in which.values()) == 1
    assert all(0 < float(score) <= 1 for row in rows for score in row[3:])
