"""A model that goes along with a job."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from tests_support import tiny_model

from napari_unets.jobs.worker.arguments import pack_call
from napari_unets.jobs.worker.sent_model import sent_model
from napari_unets.models import load_model, save_model


def test_arrives_as_it_was(tmp_path: Path) -> None:
    model = tiny_model(width=32)
    folder = tmp_path / "mine"
    save_model(model.network, model.card, folder)
    sent = sent_model(folder)
    packed = pack_call(len, (sent,), {}, None)
    assert len(packed.call.data) < 100_000  # the weights go beside the call
    _, (arrived,), _ = packed.call.load([np.array(array) for array in packed.arrays])
    copy = arrived.unpack()
    assert copy != folder
    assert arrived.unpack() == copy == sent.unpack()  # of the same content there is one copy
    assert copy.name == "mine"
    for name, values in load_model(copy).network.state_dict().items():
        assert values.equal(load_model(folder).network.state_dict()[name])


def test_small_one_can_be_pickled(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text("{}")
    arrived = pickle.loads(pickle.dumps(sent_model(tmp_path)))
    assert (arrived.unpack() / "card.json").read_text() == "{}"
