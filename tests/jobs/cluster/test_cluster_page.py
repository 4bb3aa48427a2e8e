"""The example for SLURM in docs/cluster.md, as far as it goes without SLURM."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "cluster.md"


def test_job_script(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue")
    code = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert code is not None
    command = "from slurm_cluster import cluster; print(cluster.job_script())"
    for program in (code.group(1), command):
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    script = done.stdout
    for line in ("#SBATCH -p gpu", "#SBATCH --cpus-per-task=8", "#SBATCH --gres=gpu:1", "export OMP_NUM_THREADS=8"):
        assert line in script.splitlines()
    worker = script.splitlines()[-1] or script.splitlines()[-2]
    assert "distributed.cli.dask_worker tcp://127.0.0.1:" in worker
    assert "--nthreads 2" in worker
    assert "--nworkers" not in worker  # one process, so that both threads share the model
    assert "--lifetime 7h50m" in worker
