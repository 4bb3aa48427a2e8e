from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_unets.inference import (
    BackendError,
    InferenceSettingError,
    InferenceSettings,
    Predictor,
    hardware_has_bf16,
    predict,
)
from napari_unets.inference import predictor as predictor_module
from napari_unets.inference.augmentation import eightfold

from .shared import SMALL, STRICT, image, small_model


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("classes", [1, 3])
def test_probabilities_are_those_of_the_network(name, classes):
    model = small_model(name, 1, classes)
    network = model.network
    before = copy.deepcopy(network.state_dict())
    side = network.next_valid_size(2 * network.margin + 20)
    x = image(2, 1, side, network.next_valid_size(side + 1))
    with Predictor(model, STRICT) as predictor:
        result = predictor(x)
    with torch.inference_mode():
        logits = network(torch.from_numpy(x))
    expected = logits.sigmoid() if classes == 1 else logits.softmax(1)
    np.testing.assert_allclose(result, expected.numpy(), atol=1e-5)
    assert result.dtype == np.float32
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("name", SMALL)
def test_every_network_runs_in_bf16_and_gives_nearly_the_same(name):
    model = small_model(name)
    side = model.network.next_valid_size(2 * model.network.margin + 20)
    x = image(1, 1, side, side)
    with (
        Predictor(model, STRICT) as strict,
        Predictor(model, InferenceSettings(precision="bf16", backend="torch")) as fast,
    ):
        assert fast.precision == "bf16"
        difference = np.abs(strict(x) - fast(x))
    assert difference.max() > 0
    assert difference.mean() < 0.02


def test_auto_takes_bf16_where_the_hardware_has_it(monkeypatch):
    auto = InferenceSettings(device="cpu", backend="torch")
    assert Predictor(small_model(), auto).precision == ("bf16" if hardware_has_bf16("cpu") else "fp32")
    monkeypatch.setattr(predictor_module, "hardware_has_bf16", lambda device: False)
    assert Predictor(small_model(), auto).precision == "fp32"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert predictor_module._precision_for(auto, "cuda:0") == "fp16"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    assert predictor_module._precision_for(auto, "cuda:0") == "fp32"
    assert predictor_module._precision_for(auto, "mps") == "fp32"


def test_what_it_says_of_itself():
    predictor = Predictor(small_model(), STRICT)
    assert predictor.device == "cpu"
    assert predictor.device_reason == "CPU: asked for"
    assert (predictor.backend, predictor.precision, predictor.out_channels) == ("torch", "fp32", 1)
    assert repr(predictor) == "<Predictor small: torch on cpu in fp32>"


def test_a_closed_predictor_says_so():
    predictor = Predictor(small_model(), STRICT)
    predictor.close()
    with pytest.raises(RuntimeError, match="was closed"):
        predictor(image(1, 1, 16, 16))


def test_threads_are_set_for_the_call_only(monkeypatch):
    seen = []
    before = torch.get_num_threads()
    with Predictor(small_model(), STRICT.model_copy(update={"threads": before + 1})) as predictor:
        run = predictor._backend._module.forward
        monkeypatch.setattr(
            predictor._backend._module, "forward", lambda x: seen.append(torch.get_num_threads()) or run(x)
        )
        predictor(image(1, 1, 16, 16))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("shape", [(16, 16), (16, 24)])
def test_augmentation_makes_the_result_turn_with_the_image(shape):
    model = small_model()
    settings = STRICT.model_copy(update={"tta": True})
    x = image(2, 1, *shape)
    with Predictor(model, settings) as turning, Predictor(model, STRICT) as plain:
        result = turning(x)
        assert not np.allclose(plain(np.rot90(x, 1, (2, 3)).copy()), np.rot90(plain(x), 1, (2, 3)), atol=1e-3)
        for turns in range(4):
            turned = np.rot90(x, turns, (2, 3))
            np.testing.assert_allclose(turning(turned.copy()), np.rot90(result, turns, (2, 3)), atol=1e-6)
            np.testing.assert_allclose(
                turning(turned[..., ::-1].copy()), np.rot90(result, turns, (2, 3))[..., ::-1], atol=1e-6
            )


def test_augmentation_is_the_mean_over_eight_different_views():
    views = []

    def first_column_marks(batch):
        views.append(batch.copy())
        return batch * batch.shape[3]

    x = image(1, 1, 2, 3)
    result = eightfold(first_column_marks, x)
    assert len({(view.shape, view.tobytes()) for view in views}) == 8
    np.testing.assert_allclose(result, x * 2.5, rtol=1e-6)  # four views are 2 wide and four 3


def test_settings_are_checked():
    for wrong in (
        {"device": "gpu"},
        {"tile": 0},
        {"halo": -1},
        {"halo": "wide"},
        {"batch": 0},
        {"scale": 0.3},
        {"scale": 8},
        {"colour": "red"},
    ):
        with pytest.raises(ValidationError):
            InferenceSettings(**wrong)
    assert InferenceSettings(device="cuda:1", halo=32).halo == 32


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"colour": "red"}, "colour: .* not permitted"),
        ({"tile": 0}, "tile: should be .* equal to 1"),
        ({"halo": -1}, "work: halo: should be card, exact, or a number of pixels from 0\\. "),
        ({"device": "gpu", "tile": 0}, "work: device: should be auto, cpu, .*such as cuda:1; tile: "),
    ],
)
def test_settings_that_do_not_work_are_told_by_name(wrong, message):
    with pytest.raises(InferenceSettingError, match=f"{message}.*The settings are: device, backend") as caught:
        predict(small_model(), np.zeros((32, 32), np.uint8), **wrong)
    assert isinstance(caught.value, ValueError)


def test_openvino_is_for_the_cpu():
    with pytest.raises(BackendError, match="backend 'openvino' runs on the CPU, not on 'mps'"):
        Predictor(small_model(), InferenceSettings(backend="openvino", device="mps"))
