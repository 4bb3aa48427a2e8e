"""Running a network with OpenVINO, the fastest way on Intel and AMD processors."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unets.inference.conversion_cache import ConversionCache
from napari_unets.inference.errors import BackendError
from napari_unets.networks import Network

__all__ = ["OpenVINOBackend", "openvino_is_installed"]

#: Compiled networks that are kept, each for one batch shape: whole and last batch, upright and turned.
_KEPT_SHAPES = 4


def openvino_is_installed() -> bool:
    """Whether the optional part ``openvino`` is there (it is not imported)."""
    return importlib.util.find_spec("openvino") is not None


class OpenVINOBackend:
    """A network converted to OpenVINO and compiled for each window shape when first met.

    Fixed shapes let OpenVINO plan its memory and choose its kernels, which pays within one window.

    Parameters
    ----------
    network : Network
        Its batch normalisations folded already.
    precision : {"fp32", "bf16"}
        What it computes in; the logits come out as float32.
    threads : int, optional
        CPU threads; all cores by default.

    Raises
    ------
    BackendError
        If OpenVINO is not installed or cannot convert the network.
    """

    name = "openvino"

    def __init__(self, network: Network, precision: str, threads: int | None = None) -> None:
        if not openvino_is_installed():
            raise BackendError(
                "backend 'openvino' is not installed; install it with: pip install 'napari-unets[openvino]', "
                "or choose backend 'torch'"
            )
        from napari_unets.inference.quiet_openvino import openvino

        self._core = openvino.Core()
        self._options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned threads stay on cores that other programs, such as napari itself, need as well.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._network = _converted(self._core, network)
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()

    def logits(self, batch: npt.NDArray[np.float32]) -> Tensor:
        """Logits (B, n, H, W) as float32, of a batch (B, C, H, W)."""
        return torch.from_numpy(self._for_shape(batch.shape)(np.ascontiguousarray(batch))[0])

    def _for_shape(self, shape: tuple[int, ...]) -> Any:
        compiled = self._compiled.pop(shape, None)
        if compiled is None:
            fixed = self._network.clone()
            fixed.reshape(list(shape))
            while len(self._compiled) >= _KEPT_SHAPES:
                self._compiled.popitem(last=False)  # the one not used for longest
            compiled = self._core.compile_model(fixed, "CPU", self._options)
        self._compiled[shape] = compiled
        return compiled


def _converted(core: Any, network: Network) -> Any:
    """OpenVINO's form of a network, from the cache if it was converted before."""
    from napari_unets.inference.quiet_openvino import openvino

    key = _fingerprint(network, openvino.__version__)
    cache = ConversionCache()
    if (path := cache.find(key)) is not None:
        try:
            return core.read_model(path)
        except RuntimeError:  # a copy that was cut short: by a full disk, a synchronised folder
            cache.drop(key)
    try:
        converted = _convert(core, network)
    except Exception as error:
        raise BackendError(
            f"OpenVINO cannot convert network {network.name!r} ({str(error).strip().splitlines()[0]}); "
            "choose backend 'torch'"
        ) from error
    cache.store(key, lambda target: openvino.save_model(converted, target, compress_to_fp16=False))
    return converted


def _convert(core: Any, network: Network) -> Any:
    """Convert a network so that it takes every size; both ways are tried out on another size.

    Exporting for one fixed size is four times as fast, and where no operation depends on the size (no cropping, no
    unpooling) the result holds for all.
    """
    from napari_unets.inference.quiet_openvino import openvino

    for any_size in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside torch, which its own exporter trips over
            converted = openvino.convert_model(_exported(network, any_size=any_size))
        if _agrees(core, converted, network):
            return converted
    raise ValueError("what it makes of it gives other results")


def _example(network: Network, batch: int, larger_by: int) -> torch.Tensor:
    # Height and width differ, and neither is 0 or 1, so that the exporter takes each for a size of its own.
    height = network.next_valid_size(2 * network.margin + 2 * network.stride + larger_by)
    width = network.next_valid_size(height + 1 + larger_by)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, network.in_channels, height, width, generator=generator)


def _exported(network: Network, *, any_size: bool) -> torch.export.ExportedProgram:
    shapes = (dict.fromkeys((0, 2, 3), torch.export.Dim.AUTO),) if any_size else None
    return torch.export.export(network, (_example(network, 2, 0),), dynamic_shapes=shapes)


def _agrees(core: Any, converted: Any, network: Network) -> bool:
    """Whether a converted network gives what it should for a size that it was not converted with."""
    image = _example(network, 1, 1)
    with torch.inference_mode():
        expected = network(image).numpy()
    try:
        fixed = converted.clone()
        fixed.reshape(list(image.shape))
        result = core.compile_model(fixed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image.numpy())[0]
    except RuntimeError:  # a size that was fixed does not fit
        return False
    return bool(result.shape == expected.shape and np.allclose(result, expected, rtol=1e-3, atol=1e-3))


def _fingerprint(network: Network, version: str) -> str:
    """Digest of all that the converted network depends on: its code, its settings, its weights, the converter."""
    digest = hashlib.sha256(f"{version} {torch.__version__} {network.name} {network.config} {network}".encode())
    classes = {cls for module in network.modules() for cls in type(module).__mro__ if not _is_library(cls)}
    for file in sorted({inspect.getfile(cls) for cls in classes}):
        digest.update(Path(file).read_bytes())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _is_library(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("torch", "builtins")
