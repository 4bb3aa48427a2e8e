from __future__ import annotations

import pytest
import torch

from napari_unets.errors import NapariUnetsError
from napari_unets.inference import DeviceError, choose_device, hardware_has_bf16


@pytest.fixture
def no_gpu(monkeypatch):
    """A computer without any GPU, whatever this one has."""
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"Fast {index}")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))


def test_a_build_without_cuda_says_so(no_gpu):
    assert choose_device() == choose_device("auto")
    assert choose_device().name == "cpu"
    assert choose_device().reason == "CPU: this torch build has no CUDA"


def test_a_cuda_build_without_a_driver_says_so(no_gpu, monkeypatch):
    def init():
        raise RuntimeError("Found no NVIDIA driver on your system.\nPlease check")

    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "init", init)
    reason = choose_device().reason
    assert reason == (
        "CPU: this torch build has CUDA 12.8, but no GPU can be used (Found no NVIDIA driver on your system)"
    )
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    assert choose_device().reason.endswith("but the driver lists no GPU")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES='' hides every GPU" in choose_device().reason


def test_what_is_asked_for_and_not_there_is_an_error_with_the_reason(no_gpu):
    with pytest.raises(DeviceError, match="'cuda' cannot be used: this torch build has no CUDA; use device 'auto'"):
        choose_device("cuda")
    with pytest.raises(DeviceError, match=r"'mps' cannot be used: .* use device 'auto' or 'cpu'"):
        choose_device("mps")
    with pytest.raises(DeviceError, match="there is no device 'tpu'; the devices are auto, cpu, mps, cuda"):
        choose_device("tpu")
    with pytest.raises(DeviceError, match="there is no device 0; the devices are"):
        choose_device(0)
    assert issubclass(DeviceError, NapariUnetsError)


def test_gpus_are_named(two_gpus):
    assert choose_device("auto").name == "cuda:0"
    assert choose_device("auto").reason == "GPU: Fast 0"
    assert choose_device("cuda:1").reason == "GPU: Fast 1, asked for"
    assert choose_device("cpu").reason == "CPU: asked for"
    with pytest.raises(DeviceError, match=r"'cuda:2' cannot be used: there is only cuda:0 \(Fast 0\), cuda:1 \(Fast 1"):
        choose_device("cuda:2")


def test_apple_gpu(no_gpu, monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device().name == choose_device("mps").name == "mps"
    assert not hardware_has_bf16("mps")


def test_bf16_needs_instructions_for_it(two_gpus, monkeypatch):
    assert not hardware_has_bf16("cuda:0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert hardware_has_bf16("cuda:0")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "amx_bf16": False}, raising=False)
    assert not hardware_has_bf16("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert hardware_has_bf16("cpu")
    # Versions of torch before 2.9 or so have only the two private functions.
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert hardware_has_bf16("cpu")
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)  # instructions that nobody uses
    assert not hardware_has_bf16("cpu")
