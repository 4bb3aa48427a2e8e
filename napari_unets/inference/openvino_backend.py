"""Running a network with OpenVINO, the fastest way on Intel and AMD processors."""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_unets.inference.conversion_cache import ConversionCache
from napari_unets.inference.errors import BackendError
from napari_unets.inference.geometry import Geometry

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
    module : nn.Module
        Gives logits; its batch normalisations folded already.
    in_channels : int
        Channels of the image.
    geometry : Geometry
        Of the network.
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

    def __init__(
        self, module: nn.Module, in_channels: int, geometry: Geometry, precision: str, threads: int | None = None
    ) -> None:
        if not openvino_is_installed():
            raise BackendError(
                "backend 'openvino' is not installed; install it with: pip install 'napari-unets[openvino]', "
                "or choose backend 'torch'"
            )
        import openvino

        self._core = openvino.Core()
        self._options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned threads stay on cores that other programs, such as napari itself, need as well.
            "ENABLE_CPU_PINNING": False,
        }
        if threads is not None:
            self._options["INFERENCE_NUM_THREADS"] = threads
        self._network = _converted(self._core, module, in_channels, geometry)
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


def _converted(core: Any, module: nn.Module, in_channels: int, geometry: Geometry) -> Any:
    """OpenVINO's form of a module, from the cache if it was converted before."""
    import openvino

    key = _fingerprint(module, openvino.__version__)
    cache = ConversionCache()
    if (path := cache.find(key)) is not None:
        return core.read_model(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations inside torch, which its own exporter trips over
            network = openvino.convert_model(_exported(module, in_channels, geometry))
    except Exception as error:
        raise BackendError(
            f"OpenVINO cannot convert this network ({str(error).strip().splitlines()[0]}); choose backend 'torch'"
        ) from error
    cache.store(key, lambda target: openvino.save_model(network, target, compress_to_fp16=False))
    return network


def _exported(module: nn.Module, in_channels: int, geometry: Geometry) -> torch.export.ExportedProgram:
    # Two sides that differ, neither of them 0 or 1, so that the exporter takes each for a size of its own.
    height, width = (geometry.side(geometry.smallest + n * geometry.stride) + 2 * geometry.margin for n in (1, 2))
    auto = torch.export.Dim.AUTO
    example = torch.zeros(2, in_channels, height, width)
    return torch.export.export(module, (example,), dynamic_shapes=({0: auto, 2: auto, 3: auto},))


def _fingerprint(module: nn.Module, version: str) -> str:
    """Digest of all that the converted network depends on: its operations, its weights and the converter."""
    digest = hashlib.sha256(f"1 {version} {torch.__version__} {module}".encode())
    if isinstance(module, torch.fx.GraphModule):
        digest.update(module.code.encode())
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
