from __future__ import annotations

import pytest

from napari_unets.errors import NapariUnetsError
from napari_unets.networks import (
    Network,
    NetworkSettingsError,
    SFNet,
    UnknownNetworkError,
    create_network,
    network_class,
    network_names,
)

NAMES = {
    "unet",
    "unet-plus-plus",
    "fusionnet",
    "sf-net",
    "modular-cascade",
    "segnet",
    "fcn-8s",
    "sliding-window",
}


def test_every_network_is_registered():
    assert set(network_names()) == NAMES


def test_each_class_has_its_name_and_paper():
    for name in network_names():
        cls = network_class(name)
        assert issubclass(cls, Network)
        assert cls.name == name
        assert "20" in cls.paper or "thesis" in cls.paper


def test_a_name_that_is_unknown_gets_the_list_and_the_nearest():
    with pytest.raises(UnknownNetworkError) as caught:
        create_network("u-net")
    message = str(caught.value)
    assert "'u-net'" in message
    assert all(name in message for name in NAMES)
    assert message.endswith("Did you mean 'unet'?")


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(UnknownNetworkError) as caught:
        network_class("transformer")
    assert "Did you mean" not in str(caught.value)


def test_a_setting_that_is_unknown_gets_the_list():
    with pytest.raises(NetworkSettingsError, match="sf-net has no setting widht; it has width, narrow, depth"):
        create_network("sf-net", widht=3)


def test_what_is_no_name_or_no_number_is_named():
    with pytest.raises(UnknownNetworkError, match="there is no network None"):
        create_network(None)
    with pytest.raises(NetworkSettingsError, match="unet cannot be built with width=4, in_channels='3', out"):
        create_network("unet", in_channels="3", width=4)


def test_settings_arrive():
    net = create_network("sf-net", 3, 2, width=4, narrow=2, depth=1)
    assert isinstance(net, SFNet)
    assert net.config == {"in_channels": 3, "out_channels": 2, "width": 4, "narrow": 2, "depth": 1}


@pytest.mark.parametrize("which", ["in_channels", "out_channels"])
def test_no_network_without_channels(which: str):
    for name in network_names():
        with pytest.raises(NetworkSettingsError, match=f"{which} is 0"):
            create_network(name, **{which: 0})


def test_errors_are_the_users():
    assert issubclass(UnknownNetworkError, NapariUnetsError)
    assert issubclass(NetworkSettingsError, NapariUnetsError)
