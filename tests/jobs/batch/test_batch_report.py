"""The report of a batch."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from napari_unets.jobs.batch import report as module
from napari_unets.jobs.batch.events import BatchItem, BatchJob, Ended, Progress, Queued, Ready, Row, Started
from napari_unets.jobs.batch.report import ReportError, ReportFile, batch_report, write_report

ITEMS = tuple(BatchItem((f"{name}.tif",), Path(f"out/{name}.tif")) for name in "abc")
JOB = BatchJob("m", ITEMS)
READY = Ready("m", "cpu", "no GPU", "torch", "fp32")


def test_report():
    rows = [
        Row(ITEMS[0], "done", "", 1.0, 1.23456),
        Row(ITEMS[1], "failed", "a bug", details="Traceback"),
        Row(ITEMS[2]),
    ]
    report = batch_report(JOB, rows, READY)
    assert json.loads(json.dumps(report)) == report
    assert report["counts"] == {"done": 1, "failed": 1, "queued": 1}
    assert (report["device"], report["backend"], report["precision"]) == ("cpu", "torch", "fp32")
    assert report["inputs"][0] == {
        "input": "a.tif",
        "output": str(Path("out/a.tif")),
        "status": "done",
        "reason": "",
        "seconds": 1.235,
    }
    assert report["inputs"][1]["details"] == "Traceback"
    assert report["output"]["kind"] == "segmentation"


def test_a_run_that_is_killed_leaves_a_report(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    file = ReportFile(path, JOB)
    file.take(Queued(ITEMS))
    assert json.loads(path.read_text())["counts"] == {"queued": 3}
    for event in (READY, Started(0), Progress(0, 1, 4), Ended(0, Row(ITEMS[0], "done")), Started(1), Progress(1, 1, 4)):
        file.take(event)
    assert json.loads(path.read_text())["counts"] == {"queued": 3}  # not for every event
    monkeypatch.setattr(module, "_WRITE_S", 0)
    file.take(Progress(1, 2, 4))
    assert json.loads(path.read_text())["counts"] == {"done": 1, "running": 1, "queued": 1}
    assert file.log.rows[1].fraction == 0.5
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_batch_does_not_end_of_a_report_that_cannot_be_written_later(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_WRITE_S", 0)
    folder = tmp_path / "reports"
    folder.mkdir()
    file = ReportFile(folder / "r.json", JOB)
    file.take(Queued(ITEMS))
    shutil.rmtree(folder)
    file.take(Ended(0, Row(ITEMS[0], "done")))
    with pytest.raises(ReportError, match="cannot be written"):
        file.write()
    folder.mkdir()
    file.take(Ended(1, Row(ITEMS[1], "done")))
    assert json.loads((folder / "r.json").read_text())["counts"] == {"done": 2, "queued": 1}


def test_names_that_are_no_text(tmp_path):
    item = BatchItem((os.fsdecode(b"Gr\xf6\xdfe.tif"),), Path("Größe.tif"))
    write_report(tmp_path / "r.json", batch_report(JOB, [Row(item, "done")], READY))
    (row,) = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["inputs"]
    assert (row["input"], row["output"]) == (item.sources[0], "Größe.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ReportError, match="cannot be written"):
        ReportFile(tmp_path / "no-such-folder" / "r.json", JOB).take(Queued(ITEMS))
