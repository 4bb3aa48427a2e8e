"""The last layer alone, learnt at once: where a class that a network has never seen begins."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn

from napari_unets.networks import Network

__all__ = ["learn_last_layer"]

#: Annotated pixels of a class that count, and by how much weights that move are held back (of features of unit spread).
_PIXELS, _RIDGE = 3000, 1e-3
_ITERATIONS = 100


def learn_last_layer(network: Network, patches: Tensor, annotations: Tensor) -> Network:
    """Fit what makes logits of features to annotated pixels, and leave the features as they are.

    Fine-tuning moves each weight by a thousandth of a logit a step: of a class that is new to the network nothing would
    be found within minutes, while what is painted of it speaks against the classes that it looks like. To find
    the best last layer for given features is logistic regression, which takes a second and has one solution. It
    starts from the weights as they are and is drawn towards them; each class counts the same.

    Parameters
    ----------
    network : Network
        In eval mode; it stays as it is.
    patches, annotations : Tensor
        ``(n, channels, h, w)`` and ``(n, h, w)`` class ids; 0 = not annotated, and of no influence.

    Returns
    -------
    Network
        A copy. Layers that do not work at the resolution of the result, as those of FCN-8s, are what they were.
    """
    learnt = copy.deepcopy(network)
    if margin := network.margin:
        annotations = annotations[..., margin:-margin, margin:-margin]
    pixels = _drawn(annotations)
    if pixels.numel():
        for layer in learnt.output_layers:
            assert isinstance(layer, nn.Conv2d)  # noqa: S101 - what makes logits is one in every network
            features = _features(learnt, layer, patches, annotations.shape, pixels)
            if features is not None:
                _fit(layer, features, annotations.flatten()[pixels] - 1)
    return learnt


def _drawn(annotations: Tensor) -> Tensor:
    """As many annotated pixels of each class, as sorted indices into the flattened patches."""
    generator = torch.Generator().manual_seed(0)
    flat = annotations.flatten()
    drawn = [torch.zeros(0, dtype=torch.int64)]
    for class_id in torch.unique(flat[flat > 0]).tolist():
        of_class = torch.nonzero(flat == class_id).squeeze(1)
        drawn.append(of_class[torch.randint(len(of_class), (_PIXELS,), generator=generator)])
    return torch.cat(drawn).sort().values


@torch.no_grad()
def _features(
    network: Network, layer: nn.Conv2d, patches: Tensor, shape: tuple[int, ...], pixels: Tensor
) -> Tensor | None:
    """Return what a layer sees of pixels, ``(pixels, inputs)``; None if it works at another resolution."""
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _, arguments, __: seen.append(arguments[0]))
    parts = []
    area = shape[1] * shape[2]
    reach = (layer.kernel_size[0] // 2, layer.kernel_size[1] // 2)
    try:
        for index, patch in enumerate(patches):
            seen.clear()
            network.training_outputs(patch[None].to(layer.weight.device))
            if not seen or seen[0].shape[2:] != shape[1:]:
                return None
            around = F.unfold(seen[0].float(), layer.kernel_size, padding=reach)[0].T  # (area, weights)
            parts.append(around[pixels[(pixels >= index * area) & (pixels < (index + 1) * area)] - index * area].cpu())
    finally:
        hook.remove()
    return torch.cat(parts)


def _fit(layer: nn.Conv2d, features: Tensor, targets: Tensor) -> None:
    """Multinomial logistic regression, in place; features of unit spread, so that the ridge holds all alike."""
    features = features.double()
    mean, spread = features.mean(0), features.std(0).clamp_min(1e-6)
    features = (features - mean) / spread
    weight, bias = layer.weight.detach().double().cpu().flatten(1), _bias(layer).detach().double().cpu()
    before = torch.cat([weight * spread, (bias + weight @ mean)[:, None]], 1)
    after = before.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([after], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        logits = features @ after[:, :-1].T + after[:, -1]
        value = F.cross_entropy(logits, targets) + _RIDGE * (after - before).square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        weight = after[:, :-1] / spread
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        _bias(layer).copy_(after[:, -1] - weight @ mean)


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None  # noqa: S101 - as above
    return layer.bias
