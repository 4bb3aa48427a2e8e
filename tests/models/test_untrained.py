"""Models that have learnt nothing yet."""

from __future__ import annotations

import pytest
import torch

from napari_unets.models import ModelCardError, TrainingRecord, load_model, new_model, save_model
from napari_unets.models.untrained import SUGGESTED_SETTINGS
from napari_unets.networks import NetworkSettingsError, UnknownNetworkError, create_network, network_names

SMALL = {"width": 4, "depth": 1}


def test_every_network_is_suggested_with_settings_that_it_has():
    assert set(SUGGESTED_SETTINGS) == set(network_names())
    for name, settings in SUGGESTED_SETTINGS.items():
        with torch.device("meta"):
            assert create_network(name, **settings).name == name


def test_it_says_what_it_is(tmp_path):
    made = new_model("mine", "sf-net", ["a", "b", "c"], rgb=True, pixel_size_nm=5, settings={**SMALL, "narrow": 4})
    save_model(made.network, made.card, tmp_path / "mine")
    model = load_model(tmp_path / "mine")
    card = model.card
    assert card.is_untrained
    assert [(c.id, c.name) for c in card.classes] == [(1, "a"), (2, "b"), (3, "c")]
    assert len({c.color for c in card.classes}) == 3
    assert (card.in_channels, card.out_channels, card.pixel_size_nm) == (3, 3, 5)
    assert card.halo == model.network.receptive_field_radius
    assert not load_model("em-membranes").card.is_untrained
    assert not load_model("sauvola").card.is_untrained
    assert not card.model_copy(update={"training": TrainingRecord(steps=1)}).is_untrained
    assert not card.model_copy(update={"parent": "em-membranes"}).is_untrained  # a run that was stopped at once


def test_two_classes_take_one_channel_and_the_suggested_settings():
    card = new_model("mine", settings={"width": 4}).card
    assert card.out_channels == 1
    assert card.network_config["width"] == 4
    assert card.network_config["batch_norm"]


def test_the_seed_chooses_the_weights_and_nothing_else():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, same, other = (new_model("mine", settings=SMALL, seed=seed).network.state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, same[key]) for key, value in one.items())
    assert not all(torch.equal(value, other[key]) for key, value in one.items())


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"name": "My model"}, ModelCardError, "'my-model' is one"),
        ({"classes": ["one"]}, ModelCardError, "two classes"),
        ({"classes": "object"}, ModelCardError, "a list of names"),
        ({"classes": ["one", " "]}, ModelCardError, "two classes"),
        ({"classes": ["one", "one"]}, ModelCardError, "that differ"),
        ({"pixel_size_nm": 0}, ModelCardError, "not 0 nm"),
        ({"network": "otsu"}, ModelCardError, "formula"),
        ({"settings": {"in_channels": 3}}, NetworkSettingsError, "in_channels cannot be set"),
        ({"network": "u-net"}, UnknownNetworkError, "Did you mean 'unet'"),
        ({"settings": {"widht": 4}}, NetworkSettingsError, "no setting widht"),
        ({"settings": {"width": "wide"}}, NetworkSettingsError, "width='wide'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        new_model(**({"name": "mine"} | arguments))
