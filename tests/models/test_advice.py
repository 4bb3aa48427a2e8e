"""Every network says when to choose it, in one line."""

from __future__ import annotations

from napari_unets.models import load_model
from napari_unets.models.advice import NETWORK_ADVICE, QUICK_TO_TUNE, network_advice
from napari_unets.networks import network_class, network_names


def test_there_is_a_line_for_each_network_and_for_no_other() -> None:
    assert set(network_names()) <= set(NETWORK_ADVICE)
    for name, advice in NETWORK_ADVICE.items():
        assert network_class(name).name == name
        assert 20 < len(advice) <= 120
        assert advice.endswith(".")
    assert network_advice("sf-net") == NETWORK_ADVICE["sf-net"]
    assert network_advice("of tomorrow") == ""


def test_what_is_quick_to_tune_ships_with_the_package_for_that_task() -> None:
    assert {task: load_model(name).card.task for task, name in QUICK_TO_TUNE.items()} == {"em": "em"}
