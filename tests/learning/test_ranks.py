"""Several processes that train one network, as torchrun starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from napari_unets.learning.ranks import Ranks, is_first_rank

SCRIPT = """
import os, sys
import numpy as np, torch
from safetensors.torch import save_file
from napari_unets.learning import FitSettings
from napari_unets.learning.fit import fit
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.networks import create_network

rng = np.random.default_rng(0)
plane = AnnotatedPlane(rng.random((1, 64, 64), np.float32), rng.integers(0, 3, (64, 64)).astype(np.uint8))
settings = FitSettings(steps=5, batch=2, patch=32, precision="fp32", ema=0, validate_every=100)
torch.manual_seed(int(os.environ["RANK"]))
network = create_network("sf-net", width=4, narrow=4, depth=2)
validated = []
sampler = PatchSampler([plane], 32, settings.augment, 0)
events = list(fit(network, sampler, settings, validate=lambda net: validated.append(1) or {"dice": -len(validated)}))
losses = torch.tensor([e.loss for e in events if hasattr(e, "loss")])
state = {k: v.contiguous() for k, v in network.state_dict().items()}
state |= {"losses": losses, "validations": torch.tensor(len(validated))}
save_file(state, f"{sys.argv[1]}/{os.environ['RANK']}.safetensors")
"""


def test_alone_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    ranks = Ranks(torch.device("cpu"))
    assert (ranks.rank, ranks.size, ranks.is_first, is_first_rank()) == (0, 1, True, True)
    assert ranks.agree(True)
    assert not ranks.agree(False)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch was built without torch.distributed")
def test_processes_learn_one_network_from_batches_of_their_own(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    result = subprocess.run(
        [*command, str(script), str(tmp_path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert not torch.equal(first.pop("losses"), second.pop("losses"))  # other batches
    assert (int(first.pop("validations")), int(second.pop("validations"))) == (1, 0)
    for name, mine in first.items():
        if not name.endswith(("running_mean", "running_var")):  # the second's are overwritten with the next batch
            torch.testing.assert_close(mine, second[name], rtol=0, atol=0)
