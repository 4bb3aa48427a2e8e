"""The training loop: a generator of events, so that a shell, a widget and a cluster drive the same one."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_unets.inference import hardware_has_bf16
from napari_unets.learning.averaging import update_average
from napari_unets.learning.checkpoint import load_checkpoint, save_checkpoint
from napari_unets.learning.errors import DivergedError
from napari_unets.learning.events import FitEvent, PreviewEvent, StepEvent, StoppedEvent, ValidationEvent
from napari_unets.learning.frozen_norm import frozen_outputs
from napari_unets.learning.losses import create_loss
from napari_unets.learning.optimising import create_optimiser, rate_at
from napari_unets.learning.ranks import Ranks
from napari_unets.learning.settings import FitSettings
from napari_unets.learning.state import Sampler, TrainingState
from napari_unets.networks import Network

__all__ = ["fit"]

#: Largest share of a run against the clock that goes to validation: a small network steps faster than it is scored.
_VALIDATING = 0.15


def _train_mode(network: nn.Module, settings: FitSettings) -> None:
    network.train()
    if settings.freeze_batch_norm:
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def _autocast(settings: FitSettings, device: torch.device) -> torch.autocast:
    fast = hardware_has_bf16(str(device)) if settings.precision == "auto" else settings.precision == "bf16"
    return torch.autocast(device.type, torch.bfloat16, enabled=fast)


def fit(
    network: Network,
    sampler: Sampler,
    settings: FitSettings,
    *,
    validate: Callable[[Network], dict[str, float]] | None = None,
    select: str = "dice",
    slack: float = 0.0,
    judge_start: bool = False,
    excess: float = 0.0,
    origin: Mapping[str, str] | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    device: str = "cpu",
    cancel: Callable[[], bool] | None = None,
    preview: Callable[[Network], Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[FitEvent]:
    """Train a network in place; at the end it holds the weights that were kept (without validation: the last average).

    Parameters
    ----------
    network : Network
        Fresh or pre-trained; modified in place.
    sampler : Sampler
        Source of batches; its generator's state is part of the checkpoint.
    settings : FitSettings
        Length, schedule, loss, augmentation.
    validate : callable, optional
        Scores a network in eval mode on held-out pixels; higher is better.
    select : str
        The score by which the best weights are chosen, or "last": those of the last validation.
    slack : float
        How much the score may be below its best, for the later weights to be kept all the same. Of few held-out pixels
        a score says as much by chance, while the weights at the end of the schedule are better as a rule.
    judge_start : bool
        Validate the weights that the run begins with too, so that what it ends with is never worse than they are.
    excess : float
        For a network of one output: by how much the log odds of class 1 among what is annotated are above those in the
        images. The loss sees the logits raised by as much, so that the network itself goes on giving the probabilities
        of the images (logit adjustment [1]_). A run that is resumed keeps that which it began with.
    origin : mapping of str to str, optional
        What the run learns from, by what to call it in messages: it is kept in the checkpoint, and a run that is
        resumed must have the same, but for the annotations.
    checkpoint : Path, optional
        File for the state of the run, written every ``settings.checkpoint_every`` steps and at the end.
    resume : bool
        Go on from ``checkpoint`` if it exists: the losses are those of an uninterrupted run.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    cancel : callable, optional
        Asked after every step; True ends the run and keeps the best weights so far.
    preview : callable, optional
        Given the averaged weights, in eval mode, after every step; it decides whether it is time to use them.
    clock : callable
        What ``settings.minutes`` are measured with; ``time.process_time`` is fair on a machine that others use too.

    Yields
    ------
    FitEvent
        A step, a validation, what ``preview`` returned unless that was None, and at the end how the run stopped.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read or written, or is one of a run with another origin.
    DivergedError
        If the loss is no number any more and no weights were kept; where some were, the run ends with them.

    Notes
    -----
    Started by ``torchrun``, the processes draw batches of their own and average their gradients. The first one alone
    validates, shows previews and writes checkpoints; a run that was resumed then draws other batches than an
    uninterrupted one.

    References
    ----------
    .. [1] A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar: "Long-tail learning via logit
       adjustment", ICLR 2021, equation 10.
    """
    ranks = Ranks(torch.device(device))
    where = ranks.device
    torch.manual_seed(settings.seed)
    network.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    state = TrainingState(network, average, create_optimiser(network, settings), origin or {}, excess)
    if settings.start_share:
        state.start_weights = {k: v.detach().clone() for k, v in network.state_dict().items()}
    if resume and checkpoint is not None and checkpoint.exists():
        load_checkpoint(checkpoint, state, sampler)
    if ranks.size > 1:
        sampler.generator.manual_seed(hash((settings.seed, state.step, ranks.rank)))
    if not ranks.is_first:
        validate = preview = checkpoint = None
    if judge_start and validate is not None and state.step == 0:
        yield _validated(state, validate, select, slack)
    yield from _run(state, sampler, settings, validate, select, slack, checkpoint, ranks, cancel, preview, clock)
    network.load_state_dict(state.kept_weights or average.state_dict())
    network.eval()


def _done(state: TrainingState, settings: FitSettings) -> float:
    if settings.steps is not None:
        return state.step / settings.steps
    assert settings.minutes is not None  # noqa: S101 - the settings' own rule
    return state.seconds / (60 * settings.minutes)


def _validated(
    state: TrainingState, validate: Callable[[Network], dict[str, float]], select: str, slack: float
) -> ValidationEvent:
    scores = validate(state.average)
    return ValidationEvent(state.step, scores, state.judge(scores, select, slack))


def _affordable(validating: float, state: TrainingState, settings: FitSettings) -> bool:
    """Whether a run against the clock may spend time on a validation; one of so many steps always does the same."""
    return settings.minutes is None or validating <= _VALIDATING * state.seconds


def _run(
    state: TrainingState,
    sampler: Sampler,
    settings: FitSettings,
    validate: Callable[[Network], dict[str, float]] | None,
    select: str,
    slack: float,
    checkpoint: Path | None,
    ranks: Ranks,
    cancel: Callable[[], bool] | None,
    preview: Callable[[Network], Any] | None,
    clock: Callable[[], float],
) -> Iterator[FitEvent]:
    loss_of = create_loss(settings.loss, settings.label_smoothing)
    frozen = settings.freeze_batch_norm and ranks.size == 1
    outputs_of = frozen_outputs(state.network) if frozen else ranks.outputs_of(state.network)
    if settings.compile:
        outputs_of = torch.compile(outputs_of)
    start = clock() - state.seconds
    cancelled, diverged, validating = False, False, 0.0
    over = ranks.agree(_done(state, settings) >= 1)
    while not over:
        rate = rate_at(_done(state, settings), settings)
        loss = _step(state, sampler, settings, outputs_of, loss_of, rate, ranks.device)
        if diverged := ranks.agree(loss is None):
            break
        assert loss is not None  # noqa: S101 - then it has diverged
        state.step += 1
        state.seconds = clock() - start
        yield StepEvent(state.step, min(_done(state, settings), 1.0), loss, rate, state.seconds)
        cancelled = cancel is not None and cancel()
        over = ranks.agree(cancelled or _done(state, settings) >= 1)
        if preview is not None and not over and (shown := preview(state.average)) is not None:
            yield PreviewEvent(state.step, shown)
        due = state.step % settings.validate_every == 0 and _affordable(validating, state, settings)
        if validate is not None and (over or due):
            begun = clock()
            event = _validated(state, validate, select, slack)
            validating += clock() - begun
            yield event
        if checkpoint is not None and (over or state.step % settings.checkpoint_every == 0):
            save_checkpoint(checkpoint, state, sampler)
    if diverged and ranks.is_first and not state.kept_weights:
        raise DivergedError(state.step + 1)
    history = list(state.history)
    yield StoppedEvent(state.step, not cancelled, state.seconds, history, state.kept, diverged, state.start_weights)


def _step(
    state: TrainingState,
    sampler: Sampler,
    settings: FitSettings,
    outputs_of: Callable[[Tensor], list[Tensor]],
    loss_of: Callable[[Tensor, Tensor], Tensor],
    rate: float,
    device: torch.device,
) -> float | None:
    """Make a step and return its loss; where loss or gradient is no number, None, and the weights stay as they are."""
    images, annotations = sampler.draw(settings.batch)
    images = images.to(device).contiguous(memory_format=torch.channels_last)
    annotations = annotations.to(device)
    _train_mode(state.network, settings)
    with _autocast(settings, device):
        outputs = outputs_of(images)
    if margin := state.network.margin:  # unpadded convolutions answer for the middle of the patch
        annotations = annotations[..., margin:-margin, margin:-margin]
    loss = torch.stack([loss_of(output.float() + state.excess, annotations) for output in outputs]).mean()
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_norm or math.inf)
    if not math.isfinite(value := float(loss.detach())) or not math.isfinite(float(norm)):
        return None
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    state.optimiser.step()
    update_average(state.average, state.network, settings.ema, state.step)
    return value
