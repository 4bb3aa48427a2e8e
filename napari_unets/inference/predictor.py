"""A model, ready to run: device, back end and precision chosen."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unets.inference import memory
from napari_unets.inference.augmentation import at_scale, eightfold
from napari_unets.inference.devices import DeviceChoice, choose_device, hardware_has_bf16
from napari_unets.inference.errors import BackendError, InferenceError, InferenceSettingError, WindowMemoryError
from napari_unets.inference.folding import fold_batch_norm
from napari_unets.inference.geometry import Geometry
from napari_unets.inference.openvino_backend import OpenVINOBackend, openvino_is_installed
from napari_unets.inference.settings import InferenceSettings, merged
from napari_unets.inference.torch_backend import TorchBackend
from napari_unets.models import UNSAVED

if TYPE_CHECKING:
    from napari_unets.models import Model

__all__ = ["Predictor", "predictor_for"]

_LOG = logging.getLogger(__name__)
_Floats = npt.NDArray[np.float32]

#: Side of the image that the need of memory is measured with: large enough for what padding adds not to count.
_MEASURED_SIDE = 128


class _Backend(Protocol):
    name: str

    def logits(self, batch: _Floats) -> Tensor: ...


class Predictor:
    """Batches of images in, probabilities out, on the device and back end that the settings lead to.

    Parameters
    ----------
    model : Model
        The model. Its network is copied, never changed. A formula without weights always runs with torch on the
        CPU, in float32 or better: rounding would move its thresholds.
    settings : InferenceSettings, optional
        The defaults if not given.

    Attributes
    ----------
    model : Model
    settings : InferenceSettings
    device : str
        As torch names it.
    device_reason : str
        Why this one, for people.
    backend : {"torch", "openvino"}
    precision : {"fp32", "bf16", "fp16"}
        What it computes in.
    geometry : Geometry
        Sizes of windows that the network takes, at the scale of the settings.

    Raises
    ------
    DeviceError, BackendError
        If what the settings ask for by name is not there.
    InferenceError
        If the network cannot see images at another scale.
    """

    def __init__(self, model: Model, settings: InferenceSettings | None = None) -> None:
        self.model = model
        self.settings = settings or InferenceSettings()
        network = model.network
        choice = _device_for(self.settings) if network.has_weights else _device_for_formula(network.name)
        self.device, self.device_reason = choice.name, choice.reason
        self.precision = _precision_for(self.settings, self.device) if network.has_weights else "fp32"
        self.geometry = self._geometry()
        self._folded = fold_batch_norm(network)
        self._backend: _Backend | None = self._make_backend()
        self.backend = self._backend.name

    def __repr__(self) -> str:
        return f"<Predictor {self.model.name}: {self.backend} on {self.device} in {self.precision}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def scale(self) -> Fraction:
        """How many times as large as the image the network sees it."""
        return Fraction(self.settings.scale)

    @property
    def out_channels(self) -> int:
        """Channels of the result: 1 for two classes (class 1), otherwise one a class."""
        return self.model.network.out_channels

    @cached_property
    def bytes_per_pixel(self) -> float:
        """Memory that a pixel of a window takes while the network runs and its result is blended."""
        network = self.model.network
        geometry = Geometry.of(network)
        side = geometry.side(_MEASURED_SIDE) + 2 * geometry.margin
        features = memory.bytes_per_pixel(self._folded, network.in_channels, side)
        # The image as read, normalised and batched; logits, probabilities, blended, and their weights. All float32.
        around = 4 * (3 * network.in_channels + 4 * network.out_channels + 2)
        if self.precision != "fp32":
            features /= 2
        # Torch reorders feature maps for its kernels and keeps what it frees in pieces; OpenVINO, which knows the whole
        # network, uses the same memory again as soon as it can. Both factors are measured, on SF-Net.
        seen = around + features * (1.5 if self.backend == "torch" else 0.75)
        return seen * float(self.scale) ** 2 + (0 if self.scale == 1 else around)

    def __call__(self, batch: _Floats) -> _Floats:
        """Probabilities of a batch.

        Parameters
        ----------
        batch : ndarray of float32, shape (B, C, H, W)
            Normalised images of a size that the network takes.

        Returns
        -------
        ndarray of float32, shape (B, n, H - 2 * margin, W - 2 * margin)
            In [0, 1]; ``n`` is :attr:`out_channels`.

        Raises
        ------
        WindowMemoryError
            If the memory does not suffice.
        """
        try:
            predict = partial(eightfold, self._probabilities) if self.settings.tta else self._probabilities
            return at_scale(predict, batch, self.scale)
        except (RuntimeError, MemoryError) as error:
            if not memory.is_out_of_memory(error):
                raise
            reason = f"{len(batch)} windows of {batch.shape[2]}×{batch.shape[3]} pixels"
        # Outside the except clause: the traceback would keep the feature maps alive.
        memory.release(self.device)
        raise WindowMemoryError(f"{self.model.name}: {reason} do not fit into the memory of {self.device}")

    def _probabilities(self, batch: _Floats) -> _Floats:
        if self._backend is None:
            raise RuntimeError(f"{self!r} was closed")
        with torch.inference_mode():
            logits = self._backend.logits(batch)
            result = torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)
            array: _Floats = result.cpu().numpy()
        return array

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep freed memory for the many windows that come, where that is what makes torch slow."""
        if self.device == "cpu" and self.backend == "torch":
            with memory.freed_memory_kept():
                yield
        else:
            yield

    def with_settings(self, settings: InferenceSettings) -> Predictor:
        """Return one that shares the network and device, with other windows, batch, halo, scale or augmentation."""
        other = copy.copy(self)
        other.settings = settings
        if other.scale != self.scale:
            other.geometry = other._geometry()
            vars(other).pop("bytes_per_pixel", None)
        return other

    def close(self) -> None:
        """Give the memory back, on the GPU to other programs too. The predictor cannot be called any more."""
        self._backend = None
        memory.release(self.device)

    def _geometry(self) -> Geometry:
        try:
            return Geometry.of(self.model.network).scaled(self.scale)
        except ValueError:
            raise InferenceError(
                f"model {self.model.name!r} has unpadded convolutions, so that it sees images in their own size only; "
                "leave the scale at 1"
            ) from None

    def _make_backend(self) -> _Backend:
        wanted, threads = self.settings.backend, self.settings.threads
        if not self.model.network.has_weights:
            wanted = "torch"
        if wanted == "openvino" or (wanted == "auto" and self.device == "cpu" and openvino_is_installed()):
            try:
                return OpenVINOBackend(self._folded, self.precision, threads)
            except BackendError as error:
                if wanted == "openvino":
                    raise
                _LOG.warning("%s: running with torch, since %s", self.model.name, error)
        return TorchBackend(self._folded, self.device, self.precision, threads)


def predictor_for(
    model: Model, settings: InferenceSettings | None, overrides: dict[str, Any], given: Predictor | None
) -> Predictor:
    """Return the predictor that was given, or else make one.

    Raises
    ------
    InferenceSettingError
        If a setting does not exist, cannot have its value, or is another than that of the predictor given, or if that
        was made from another model.
    DeviceError, BackendError, InferenceError
        As :class:`Predictor`.
    """
    if given is None:
        return Predictor(model, merged(settings, overrides))
    if not isinstance(given, Predictor):
        raise InferenceSettingError(
            f"predictor= is what a Predictor makes of a model, not {given!r}: give Predictor(model), or leave it out"
        )
    if not _is_of(given.model, model):
        raise InferenceSettingError(
            f"the predictor that was given runs {given.model.name!r}, and not this {model.name!r}: give the model that "
            "it was made from, or no predictor"
        )
    wanted = merged(settings or given.settings, overrides)
    if other := [name for name, value in given.settings if getattr(wanted, name) != value]:
        raise InferenceSettingError(
            f"{', '.join(other)}: the predictor that was given has been made with other settings, which hold for it; "
            "leave these out, or give predictor.with_settings(...), or no predictor"
        )
    return given


def _is_of(one: Model, other: Model) -> bool:
    """Whether two models compute the same; their cards may word it differently."""
    cards = [(card.network, card.network_config, card.weights_sha256) for card in (one.card, other.card)]
    return one is other or (cards[0] == cards[1] and (cards[0][2] != UNSAVED or one.network is other.network))


def _device_for_formula(name: str) -> DeviceChoice:
    return DeviceChoice("cpu", f"CPU: {name} is a formula without weights, which runs there whatever is asked for")


def _device_for(settings: InferenceSettings) -> DeviceChoice:
    if settings.backend != "openvino":
        return choose_device(settings.device)
    if settings.device not in ("auto", "cpu"):
        raise BackendError(
            f"backend 'openvino' runs on the CPU, not on {settings.device!r}; choose device 'cpu' or backend 'torch'"
        )
    return DeviceChoice("cpu", "CPU: the OpenVINO back end was asked for")


def _precision_for(settings: InferenceSettings, device: str) -> str:
    if settings.precision != "auto":
        return settings.precision
    if hardware_has_bf16(device):
        return "bf16"
    # Volta and Turing multiply half-precision matrices, but not bf16.
    is_cuda = torch.device(device).type == "cuda"
    return "fp16" if is_cuda and torch.cuda.get_device_capability(device) >= (7, 0) else "fp32"
