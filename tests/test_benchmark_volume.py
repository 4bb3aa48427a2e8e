"""The simulation in the benchmark of volumes, against what can be worked out by hand; and that the benchmark runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize(
    ("workers", "scheduler_s", "bandwidth", "seconds", "bottleneck"),
    [
        (1, 0.0, 1e12, 100 * 2.0, "workers"),
        (10, 0.0, 1e12, 10 * 2.0, "workers"),
        (50, 0.5, 1e12, 100 * 0.5 + 2.0, "scheduler"),  # handed out one after the other; the last one is computed
        (50, 0.0, 10.0, 100 * 3.0, "storage"),  # 30 bytes a block are read and written, at 10 a second
    ],
)
def test_limits(workers, scheduler_s, bandwidth, seconds, bottleneck) -> None:
    from volume_simulation import Block, Cluster, simulate

    block = Block(read_bytes=20, write_bytes=10, compute_s=[2.0])
    outcome = simulate(Cluster(workers, scheduler_s, bandwidth, client_bandwidth=1e12), block, 100)
    assert outcome.seconds == pytest.approx(seconds, rel=0.02)
    assert outcome.bottleneck == bottleneck


def test_reading_is_beside_computing() -> None:
    from volume_simulation import Block, Cluster, simulate

    block = Block(read_bytes=10, write_bytes=0, compute_s=[1.0])
    outcome = simulate(Cluster(1, 0.0, 1e12, client_bandwidth=10), block, 100)
    assert outcome.seconds == pytest.approx(101)  # only the first read is waited for


@pytest.mark.slow
def test_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import volume

    monkeypatch.setattr(volume, "SIMULATED", (1, 10))
    small = ["--model", "sauvola", "--size", "64", "--planes", "2", "--rounds", "1", "--workers", "1", "9999"]
    files = ["--json", str(tmp_path / "v.json"), "--plot", str(tmp_path / "v.png")]
    monkeypatch.setattr("sys.argv", ["volume.py", *small, "--tasks", "20", *files])
    volume.main()
    result = json.loads((tmp_path / "v.json").read_text())
    assert [row["planes"] for row in result["planes"]] == [1, 2, 4]
    assert [row["workers"] for row in result["workers"]] == [1]
    assert result["throughput"]["same_voxels"] == 1
    assert (tmp_path / "v.png").stat().st_size > 1000
    assert "not measured: 9999 workers" in capsys.readouterr().out
