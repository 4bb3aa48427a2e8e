"""The state of an unfinished training run, on disk. Written beside its place and moved in whole."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_unets.errors import NapariUnetsError
from napari_unets.learning.origin import changes_of
from napari_unets.learning.state import Sampler, TrainingState

__all__ = ["ANNOTATIONS", "CheckpointError", "ResumeWarning", "checkpoint_beside", "load_checkpoint", "save_checkpoint"]


class CheckpointError(NapariUnetsError):
    """A checkpoint that cannot be written or read, or belongs to another network or seed."""


class ResumeWarning(UserWarning):
    """A run goes on with other annotations than it was begun with."""


#: In a run's origin, what may change while the run rests.
ANNOTATIONS = "annotations"
#: Of a state, what goes into the file's header.
_NUMBERS = ("excess", "step", "seconds", "start_score", "best_score", "kept", "history")


def checkpoint_beside(folder: Path) -> Path:
    """Return where the state of the run lies while a model's folder is in the making."""
    return folder.with_name(f"{folder.name}.checkpoint.safetensors")


def save_checkpoint(path: Path, state: TrainingState, sampler: Sampler) -> None:
    """Write the whole state of a run: weights, average, those kept, optimiser, source of chance, step.

    A safetensors file, so nothing is ever unpickled; numbers are in its header.

    Raises
    ------
    CheckpointError
        If it cannot be written. The one before is still there then.
    """
    tensors: dict[str, Tensor] = {}
    for part, weights in (
        ("network", state.network.state_dict()),
        ("average", state.average.state_dict()),
        ("kept", state.kept_weights),
        ("start", state.start_weights),
    ):
        tensors |= {f"{part}/{k}": v.detach().cpu().clone().contiguous() for k, v in weights.items()}
    scalars: dict[str, Any] = {name: getattr(state, name) for name in _NUMBERS} | {"origin": dict(state.origin)}
    for index, values in state.optimiser.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimiser/{index}/{key}"] = torch.as_tensor(value).detach().cpu().clone().contiguous()
    tensors["generator"] = sampler.generator.get_state()
    tensors |= {f"chance/{kind}": states for kind, states in _chance_of(state).items()}
    beside = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, beside, metadata={"state": json.dumps(scalars)})
        beside.replace(path)
    except (OSError, SafetensorError) as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise CheckpointError(
            f"{path}: the state of the run at step {state.step} cannot be kept ({error}); make room, or see to the "
            "cause, and resume the run, which goes on from the state that was kept before, if there is one"
        ) from error


def load_checkpoint(path: Path, state: TrainingState, sampler: Sampler) -> None:
    """Put a saved state into ``state`` and ``sampler``.

    Raises
    ------
    CheckpointError
        If the file is damaged, or was written for another network or by a run with another origin.

    Warns
    -----
    ResumeWarning
        If the annotations are not those that the run was begun with.
    """
    parts: dict[str, dict[str, Tensor]] = {
        part: {} for part in ("network", "average", "kept", "start", "optimiser", "chance")
    }
    try:
        with safe_open(path, framework="pt") as file:
            scalars = json.loads(file.metadata()["state"])
            numbers = {name: scalars[name] for name in _NUMBERS}
            _check_origin(path, scalars.get("origin", {}), state.origin)  # first: another network's weights do not fit
            for key in file.keys():  # noqa: SIM118 - not a dict
                part, _, name = key.partition("/")
                if part == "generator":
                    sampler.generator.set_state(file.get_tensor(key))
                else:
                    parts[part][name] = file.get_tensor(key)
        state.network.load_state_dict(parts["network"])
        state.average.load_state_dict(parts["average"])
        _set_chance(state, parts["chance"])
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{path}: this checkpoint cannot be used ({error}); start again without it, or delete it"
        ) from error
    state.kept_weights = parts["kept"]
    device = _device_of(state)
    state.start_weights = {name: weight.to(device) for name, weight in parts["start"].items()}
    weights = [weight for group in state.optimiser.param_groups for weight in group["params"]]
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in parts["optimiser"].items():
        index, _, name = key.partition("/")
        like = weights[int(index)]
        # A fused optimiser goes through memory, so that a moment must lie in it as its weight does (channels last).
        laid = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        moments.setdefault(int(index), {})[name] = laid
    whole = state.optimiser.state_dict()
    whole["state"] = moments
    state.optimiser.load_state_dict(whole)
    for name, number in numbers.items():
        setattr(state, name, number)


def _check_origin(path: Path, kept: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Compare what a run was begun with with what it is to go on with; earlier versions have kept less of it."""
    changes = changes_of(kept, given)
    if strictly := [change for name, change in changes.items() if name != ANNOTATIONS]:
        raise CheckpointError(
            f"{path}: changed since this run was begun: {', '.join(strictly)}. Resumed, it would be half of one "
            "run and half of another, and perhaps scored on what it has learnt from: put that back, or begin a new run"
        )
    if changes:  # who has painted on; what is kept aside stays aside
        warnings.warn(
            f"{path}: the annotations have changed since this run was begun; it goes on with them as they are now",
            ResumeWarning,
            stacklevel=2,
        )


def _device_of(state: TrainingState) -> torch.device:
    return next(state.network.parameters()).device


def _chance_of(state: TrainingState) -> dict[str, Tensor]:
    """States of what layers such as dropout draw from, by the kind of device."""
    device = _device_of(state)
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _set_chance(state: TrainingState, states: dict[str, Tensor]) -> None:
    """Put them back; checkpoints of earlier versions have none, and one of another device lacks this one's."""
    device = _device_of(state)
    if "cpu" in states:
        torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
