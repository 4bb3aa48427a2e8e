"""``fine_tune``: a model, a stack and what the user painted on it, to a better model."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_unets.inference import choose_device
from napari_unets.learning.adapting import has_batch_norm
from napari_unets.learning.annotations import AnnotatedStack, annotated_stacks, digest_of
from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.checkpoint import ANNOTATIONS, CheckpointError
from napari_unets.learning.errors import AnnotationError, FitSettingError, NothingToTrainError
from napari_unets.learning.events import FitEvent, StoppedEvent
from napari_unets.learning.fit import fit
from napari_unets.learning.head import grow_head
from napari_unets.learning.last_layer import learn_last_layer
from napari_unets.learning.operating_point import adjusted_to_frequencies, choose_threshold
from napari_unets.learning.origin import origin_of_settings
from napari_unets.learning.patch_size import with_fitting_patch
from napari_unets.learning.preflight import preflight
from napari_unets.learning.preparing import PreparedStack, crops_of, held_out_planes, mean_scores, prepare
from napari_unets.learning.prevalence import painted_excess
from napari_unets.learning.samples import PatchSampler
from napari_unets.learning.settings import FitSettings, tuning_settings
from napari_unets.learning.tuned_card import card_to_be, filled_card
from napari_unets.learning.tuned_weights import SLACK, with_statistics_after, with_statistics_before, with_the_start
from napari_unets.models import ClassInfo, Model, check_model
from napari_unets.networks import Network, create_network

__all__ = ["TunedEvent", "fine_tune", "iter_fine_tune"]

#: Patches that a run looks at before its first step.
_LOOKED_AT = 32


@dataclass(frozen=True)
class TunedEvent:
    """The run is over and this is the model."""

    model: Model


def iter_fine_tune(
    model: Model,
    sources: Sequence[AnnotatedStack],
    settings: FitSettings,
    *,
    classes: Sequence[ClassInfo] | None = None,
    name: str | None = None,
    from_scratch: bool | None = None,
    adapt: bool = True,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    device: str = "auto",
    cancel: Callable[[], bool] | None = None,
    preview: Callable[[Model], Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[FitEvent | TunedEvent]:
    """Fine-tune a model; the last event holds the result.

    Parameters
    ----------
    model : Model
        The parent; it stays as it is.
    sources : sequence of AnnotatedStack
        One or several stacks with annotations.
    settings : FitSettings
        See :func:`tuning_settings`.
    classes : sequence of ClassInfo, optional
        Classes of the new model: those of the parent first, then new ones. The parent's by default.
    name : str, optional
        Name of the new model; the parent's with ``-tuned`` by default.
    from_scratch : bool, optional
        Begin with random weights instead of the parent's. By default if the parent has none but random weights; those
        are then what it begins with.
    adapt : bool
        Take the batch-norm statistics from the stacks (see
        :func:`~napari_unets.learning.adapting.adapt_batch_norm`). With ``settings.freeze_batch_norm`` before the first
        step, unless the parent's do better on the annotated pixels that are held out, or it is a model of documents;
        they then stay. Without, after the last one, unless those of the training do clearly better.
    checkpoint : str or Path, optional
        File for the state of the run.
    resume : bool
        Go on from ``checkpoint``, if it exists.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    cancel : callable, optional
        Asked after every step; True ends the run with the best weights so far.
    preview : callable, optional
        Given the model as it is, after every step; what it returns, unless None, comes as a PreviewEvent.
    clock : callable
        See :func:`~napari_unets.learning.fit.fit`.

    Yields
    ------
    FitEvent or TunedEvent
        Steps, previews, validations, how the run stopped, and the tuned model.

    Raises
    ------
    AnnotationError
        If the annotations cannot be learnt from; the message says why and what to do.
    NothingToTrainError
        If the model is a formula without weights.
    CheckpointError
        If the run cannot go on from the checkpoint, which belongs to other settings, for instance; its length may be
        another one. With annotations that have changed since it goes on, with a ResumeWarning.
    ModelCardError
        If a model cannot have this name.
    NotAModelError
        If the parent is none, but the name of one, for instance.
    FitSettingError
        If the classes are none, but names, or not the parent's and then new ones.
    """
    check_model(model)
    if not model.network.has_weights:
        raise NothingToTrainError(model.name)
    if from_scratch is None:
        from_scratch = model.card.is_untrained
    checkpoint = None if checkpoint is None else _checkpoint_file(checkpoint)
    known = _known_classes(classes or model.card.classes, len(model.card.classes))
    sources = annotated_stacks(sources)
    if not isinstance(settings, FitSettings) or settings.epochs is not None:
        raise FitSettingError("settings are FitSettings with steps or minutes, such as tuning_settings(steps=300)")
    report = preflight(sources, known)
    if report.problems:
        raise AnnotationError("; ".join(report.problems))
    if from_scratch:  # random statistics are not worth keeping
        settings = settings.model_copy(update={"freeze_batch_norm": False, "start_share": 0.0})
    where = choose_device(device).name
    network = _network(model, len(known), from_scratch, settings.seed)
    settings = with_fitting_patch(settings, network)
    card = card_to_be(model, network, known, name, [source.stack for source in sources])
    prepared = [prepare(source, card, settings) for source in sources]
    sampler = PatchSampler([p for one in prepared for p in one.planes], settings.patch, settings.augment, settings.seed)
    held_out = held_out_planes(prepared, card, where)
    validate = mean_scores(held_out)
    adapt = adapt and has_batch_norm(network)
    resumed = resume and checkpoint is not None and checkpoint.exists()
    # Pages are less alike than sections: the statistics of the two that are painted are wrong for others.
    if adapt and settings.freeze_batch_norm and not resumed and card.task != "document":
        network = with_statistics_before(network, prepared, validate)
    has_grown = not from_scratch and network.out_channels > model.network.out_channels
    if has_grown and not resumed:
        network = learn_last_layer(network.eval(), *_looked_at(prepared, settings))
    excess = 0.0 if from_scratch or resumed or card.task == "em" else _excess(prepared, network, settings)
    for event in fit(
        network,
        sampler,
        settings,
        validate=validate,
        slack=SLACK,
        judge_start=not from_scratch,
        excess=excess,
        origin={ANNOTATIONS: digest_of(sources), **origin_of_settings(settings)},
        checkpoint=checkpoint,
        resume=resume,
        device=where,
        cancel=cancel,
        preview=None if preview is None else lambda average: preview(Model(card, network=average)),
        clock=clock,
    ):
        if isinstance(event, StoppedEvent):
            stopped = event
        yield event
    learnt, scores = network, stopped.scores
    if adapt and not settings.freeze_batch_norm:
        network = with_statistics_after(network, prepared, held_out, validate)
    kept_aside = [plane for one in prepared for plane in one.split.validation.values()]
    has_learnt = has_grown or stopped.kept != 0  # 0: the parent was better than all that came after it
    if has_learnt and stopped.start_weights:
        network = with_the_start(network, stopped.start_weights, settings.start_share, validate)

    def crops() -> list[npt.NDArray[np.float32]]:
        return crops_of(prepared, network)

    if has_learnt:
        network = adjusted_to_frequencies(network, held_out, kept_aside, crops)
    threshold = choose_threshold(network, held_out, kept_aside, crops, card.threshold, has_learnt=has_learnt)
    if network is not learnt or threshold != card.threshold:
        card = card.model_copy(update={"threshold": threshold})
        score = mean_scores(held_out_planes(prepared, card, where))
        scores = {} if score is None else score(network)
    filled = filled_card(card, prepared, settings, stopped, scores)
    yield TunedEvent(Model(filled, network=network.cpu()))


def fine_tune(model: Model, stack: object, annotations: object, *, steps: int | None = None, **arguments: Any) -> Model:
    """Fine-tune a model on what is annotated on a stack.

    Parameters
    ----------
    model : Model
        The parent; it stays as it is.
    stack : Stack or array
        The image, 2-D to 4-D.
    annotations : Stack or array
        Class ids of the same shape (without colour samples); 0 = not annotated, and of no influence.
    steps : int, optional
        Optimiser steps; 300 by default.
    **arguments
        Any of :class:`FitSettings` (``minutes=3``, ``seed=1``), and ``classes``, ``name``, ``from_scratch``,
        ``adapt``, ``device``, ``checkpoint``, ``resume`` and ``cancel`` of :func:`iter_fine_tune`.

    Returns
    -------
    Model
        The tuned model; keep it with :func:`napari_unets.models.save_model`.

    Raises
    ------
    AnnotationError
        If the annotations cannot be learnt from.
    FitSettingError
        If a setting does not exist, or cannot have this value.
    NothingToTrainError, NotAModelError, ModelCardError, DeviceError
        As for :func:`iter_fine_tune`.

    Examples
    --------
    >>> from napari_unets.models import save_model
    >>> tuned = fine_tune(load_model("em-membranes"), stack, strokes, minutes=3)  # doctest: +SKIP
    >>> save_model(tuned.network, tuned.card, "my-membranes")  # doctest: +SKIP
    """
    if steps is not None:
        arguments["steps"] = steps
    of_the_run = inspect.signature(iter_fine_tune).parameters
    if given := [name for name in ("settings", "sources") if name in arguments]:
        raise FitSettingError(
            f"fine_tune takes each setting by its name (minutes=3, patch=96), and no {given[0]}=; "
            "napari_unets.learning.iter_fine_tune takes FitSettings, and several stacks"
        )
    fields = {k: arguments.pop(k) for k in list(arguments) if k not in of_the_run}
    check_model(model)
    from_scratch = arguments.setdefault("from_scratch", model.card.is_untrained)
    source = AnnotatedStack.of(stack, annotations)
    *_, last = iter_fine_tune(model, [source], tuning_settings(from_scratch=from_scratch, **fields), **arguments)
    assert isinstance(last, TunedEvent)  # noqa: S101 - what the generator ends with
    return last.model


def _checkpoint_file(checkpoint: str | Path) -> Path:
    if not (path := Path(checkpoint).expanduser()).name:
        raise CheckpointError(f"the checkpoint is to be a file, and {str(checkpoint)!r} names none: run.safetensors")
    return path


def _known_classes(classes: Sequence[Any], n_parents: int) -> list[ClassInfo]:
    if not all(isinstance(one, ClassInfo) for one in classes):
        raise FitSettingError(
            f"classes are a list of ClassInfo, the parent's and then new ones, not {classes!r}: give "
            "[*model.card.classes, ClassInfo(id=3, name='nucleus', color='#0000ff')], or leave them out"
        )
    if len(classes) < n_parents or [one.id for one in classes] != list(range(1, len(classes) + 1)):
        raise FitSettingError(
            f"the classes have the ids {', '.join(str(one.id) for one in classes)}; they are the parent's, 1 to "
            f"{n_parents}, and then new ones from {n_parents + 1} on, in order"
        )
    return list(classes)


def _network(model: Model, n_classes: int, from_scratch: bool, seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):  # random weights are those of the seed, whatever was drawn before
        torch.manual_seed(seed)
        if from_scratch and not model.card.is_untrained:
            channels = 1 if n_classes == 2 else n_classes
            return create_network(model.card.network, **(model.network.config | {"out_channels": channels}))
        return grow_head(copy.deepcopy(model.network), n_classes)


def _excess(prepared: list[PreparedStack], network: Network, settings: FitSettings) -> float:
    """By how much the log odds of class 1 in the patches are above those in the stacks, as the parent sees them.

    Not asked for membranes: a model that has learnt as if they were as frequent as cells shows more of those that are
    hard to see, which is what keeps neurites apart, and a threshold undoes it where that is not wanted.
    """
    if network.out_channels > 1:
        return 0.0
    return painted_excess(network.eval(), crops_of(prepared, network), *_looked_at(prepared, settings))


def _looked_at(prepared: list[PreparedStack], settings: FitSettings) -> tuple[Tensor, Tensor]:
    """Draw patches and annotations as they are learnt from, but not augmented."""
    planes = [plane for one in prepared for plane in one.planes]
    return PatchSampler(planes, settings.patch, AugmentSettings.none(), settings.seed).draw(_LOOKED_AT)
