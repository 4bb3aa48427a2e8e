"""Which device a model runs on, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from napari_unets.inference.errors import DeviceError

__all__ = ["DeviceChoice", "choose_device", "hardware_has_bf16", "why_no_cuda"]


@dataclass(frozen=True)
class DeviceChoice:
    """A device and the reason for it.

    Attributes
    ----------
    name : str
        As torch names it: ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    reason : str
        One sentence for people, such as ``"CPU: this torch build has no CUDA"``.
    """

    name: str
    reason: str


def choose_device(requested: str = "auto") -> DeviceChoice:
    """Choose where to run.

    Parameters
    ----------
    requested : str
        ``"auto"``, ``"cpu"``, ``"mps"``, ``"cuda"`` or ``"cuda:1"``.

    Returns
    -------
    DeviceChoice
        With ``"auto"`` the first CUDA device, else Apple's GPU, else the CPU.

    Raises
    ------
    DeviceError
        If a device is asked for by name and cannot be used; the message says why.
    """
    if requested == "cpu":
        return DeviceChoice("cpu", "CPU: asked for")
    if requested == "auto":
        return _best_device()
    if requested == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError(f"device 'mps' cannot be used: {_why_no_mps()}; use device 'auto' or 'cpu'")
        return DeviceChoice("mps", "Apple GPU: asked for")
    kind, _, number = str(requested).partition(":")
    if kind != "cuda" or not (number.isdecimal() or number == ""):
        raise DeviceError(f"there is no device {requested!r}; the devices are auto, cpu, mps, cuda, cuda:0, cuda:1, …")
    if reason := why_no_cuda():
        raise DeviceError(f"device {requested!r} cannot be used: {reason}; use device 'auto' or 'cpu'")
    index, count = int(number or 0), torch.cuda.device_count()
    if index >= count:
        raise DeviceError(f"device {requested!r} cannot be used: there is only {_cuda_names(count)}")
    return DeviceChoice(f"cuda:{index}", f"GPU: {torch.cuda.get_device_name(index)}, asked for")


def _best_device() -> DeviceChoice:
    reason = why_no_cuda()
    if reason is None:
        return DeviceChoice("cuda:0", f"GPU: {torch.cuda.get_device_name(0)}")
    if torch.backends.mps.is_available():
        return DeviceChoice("mps", "Apple GPU")
    return DeviceChoice("cpu", f"CPU: {reason}")


def why_no_cuda() -> str | None:
    """Reason why CUDA cannot be used, or None if it can."""
    if torch.version.cuda is None and torch.version.hip is None:
        return "this torch build has no CUDA"
    if torch.cuda.is_available():
        return None
    build = f"this torch build has CUDA {torch.version.cuda or torch.version.hip}"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in ("", "-1"):
        return f"{build}, but CUDA_VISIBLE_DEVICES={visible!r} hides every GPU"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        return f"{build}, but no GPU can be used ({str(error).strip().splitlines()[0].rstrip('.')})"
    return f"{build}, but the driver lists no GPU"


def _why_no_mps() -> str:
    if not torch.backends.mps.is_built():
        return "this torch build has no MPS, which exists on Apple computers only"
    return "this torch build has MPS, but this computer or its macOS does not"


def _cuda_names(count: int) -> str:
    return ", ".join(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(count))


def hardware_has_bf16(device: str) -> bool:
    """Whether a device has instructions for bf16 arithmetic that torch makes use of, so that it is faster."""
    kind = torch.device(device).type
    if kind == "cuda":
        # Ampere and later; earlier ones only emulate it.
        return bool(torch.version.hip) or torch.cuda.get_device_capability(device) >= (8, 0)
    # oneDNN has the kernels; torch for macOS comes without it.
    if kind != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    if capabilities is not None:
        found = capabilities()
        return bool(found.get("amx_bf16") or found.get("avx512_bf16") or found.get("sve_bf16") or found.get("arm_bf16"))
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
