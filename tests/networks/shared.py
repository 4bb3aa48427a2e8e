"""What is tested of every network: each one's test file inherits :class:`NetworkTests`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from napari_unets.networks import ImageSizeError, Network, create_network, network_class

# Hypothesis finds it odd that one test runs on many classes. Here that is the point, and no state is kept between.
for_each_network = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.differing_executors])

#: Torch's own exporter warns of its own use of its own tree specifications.
ignore_exporter_warning = pytest.mark.filterwarnings(
    r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning"
)


def randomise(network: Network, seed: int = 0) -> Network:
    """Random weights and statistics, of either sign, that keep features at about the size of the image's."""
    generator = torch.Generator().manual_seed(seed)

    def normal(like: Tensor, scale: float) -> Tensor:
        return scale * torch.randn(like.shape, generator=generator, dtype=like.dtype)

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.copy_(1 + normal(module.weight, 0.2))
                module.bias.copy_(normal(module.bias, 0.2))
                module.running_mean.copy_(normal(module.running_mean, 0.2))
                module.running_var.copy_(1 + normal(module.running_var, 0.2).abs())
            elif isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.weight.copy_(normal(module.weight, (2 / _summands(module)) ** 0.5))
                if module.bias is not None:
                    module.bias.copy_(normal(module.bias, 0.2))
    return network.eval()


def make_positive(network: Network, seed: int = 0, *, growing: bool) -> Network:
    """Positive random weights, no biases: a change anywhere adds up and can never cancel, and 0 stays 0.

    Features keep their size from layer to layer, or grow, so that even what comes over one corner of each kernel
    cannot fade away.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                weights = 0.5 + torch.rand(module.weight.shape, generator=generator)
                module.weight.copy_(weights if growing else weights / _summands(module))
                if module.bias is not None:
                    module.bias.zero_()
    return network.eval()


def _summands(layer: nn.Conv2d | nn.ConvTranspose2d) -> float:
    """Products that one value of the result is the sum of."""
    a_channel = layer.kernel_size[0] * layer.kernel_size[1]
    if isinstance(layer, nn.ConvTranspose2d):
        a_channel /= layer.stride[0] * layer.stride[1]
    return layer.in_channels * a_channel


class NetworkTests:
    """Inherit, say which network and with which settings, and have everything below tested.

    Attributes
    ----------
    name
        The network's name in the registry.
    variant
        Settings other than the default ones that all of it is tested with.
    small
        Settings for a network that runs in no time, with fewer levels than the paper's where that can be chosen.
    deep
        Settings with the paper's depth and next to no width, for the receptive field.
    radius
        The paper's receptive field: what the docstring says.
    tightness
        Part of the radius from which a change of the image must be seen to have an effect.
    fading
        Pixels at the border of the result that get less of a constant than the others.
    counts
        Parameters of the network with the paper's widths, by numbers of channels in and out.
    """

    name: ClassVar[str]
    variant: ClassVar[dict[str, Any]] = {}
    small: ClassVar[dict[str, Any]]
    deep: ClassVar[dict[str, Any]]
    radius: ClassVar[int]
    tightness: ClassVar[float] = 1.0
    fading: ClassVar[int] = 0
    counts: ClassVar[dict[tuple[int, int], int]]

    @classmethod
    def make(cls, in_channels: int = 1, out_channels: int = 1, **size: Any) -> Network:
        return create_network(cls.name, in_channels, out_channels, **cls.variant, **size)

    @classmethod
    @cache
    def network(cls, in_channels: int = 1, out_channels: int = 1) -> Network:
        return randomise(cls.make(in_channels, out_channels, **cls.small))

    @classmethod
    def image(cls, channels: int = 1, batch: int = 1) -> Tensor:
        """An image, higher than wide, of valid sizes that are not the smallest."""
        net = cls.network(channels)
        width = net.next_valid_size(2 * net.margin + 24)
        height = net.next_valid_size(width + 1)
        return torch.randn(batch, channels, height, width, generator=torch.Generator().manual_seed(1))

    # Shapes

    @for_each_network
    @given(st.data(), st.sampled_from([1, 3]), st.sampled_from([1, 2, 5]))
    def test_the_result_has_the_size_of_the_image(self, data: st.DataObject, channels: int, classes: int):
        net = self.network(channels, classes)
        sizes = st.integers(1, 2 * net.margin + 3 * net.stride + 5).map(net.next_valid_size)
        height, width = data.draw(sizes), data.draw(sizes)
        with torch.no_grad():
            logits = net(torch.zeros(2, channels, height, width))
        assert logits.shape == (2, classes, height - 2 * net.margin, width - 2 * net.margin)
        assert min(logits.shape) > 0

    @for_each_network
    @given(st.data())
    def test_other_sizes_are_refused_and_the_next_valid_one_named(self, data: st.DataObject):
        net = self.network()
        sizes = st.integers(0, 2 * net.margin + 3 * net.stride)
        height, width = data.draw(sizes), data.draw(sizes)
        nearest = net.next_valid_size(height), net.next_valid_size(width)
        if (height, width) == nearest:
            net.check_size(height, width)
            return
        with pytest.raises(
            ImageSizeError, match=f"{height}×{width} pixels.*next valid size is {nearest[0]}×{nearest[1]}"
        ):
            net(torch.zeros(1, 1, height, width))
        net.check_size(*nearest)

    def test_valid_sizes_are_a_stride_apart(self):
        net = self.network()
        smallest = net.next_valid_size(0)
        valid = sorted({net.next_valid_size(size) for size in range(smallest + 2 * net.stride + 1)})
        assert valid[:3] == [smallest, smallest + net.stride, smallest + 2 * net.stride]

    @pytest.mark.parametrize("shape", [(1, 2, 64, 64), (64, 64), (1, 64, 64)])
    def test_a_batch_of_another_shape_is_refused(self, shape: tuple[int, ...]):
        with pytest.raises(ImageSizeError, match=r"takes a batch of shape \(n, 1, height, width\)"):
            self.network()(torch.zeros(shape))

    # Parameters

    def test_parameter_count(self):
        for (channels, classes), count in self.counts.items():
            with torch.device("meta"):
                assert self.make(channels, classes).n_parameters == count

    def test_the_documentation_gives_paper_count_and_radius(self):
        text = network_class(self.name).__doc__ or ""
        assert "References" in text
        assert str(self.radius) in text
        for count in self.counts.values():
            assert f"{count:,}" in text

    def test_rebuilds_from_its_config(self):
        net = self.network(3, 2)
        again = create_network(self.name, **json.loads(json.dumps(net.config)))
        assert again.config == net.config
        again.load_state_dict(net.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(again.eval()(self.image(3)), net(self.image(3)), rtol=0, atol=0)

    def test_gradients_reach_every_parameter(self):
        net = make_positive(self.make(1, 2, **self.small), growing=False)
        sum(output.sum() for output in net.training_outputs(self.image().abs())).backward()
        unreached = [
            name
            for name, parameter in net.named_parameters()
            if parameter.requires_grad and (parameter.grad is None or not parameter.grad.abs().sum() > 0)
        ]
        assert unreached == []

    def test_training_outputs_end_with_the_result(self):
        outputs = self.network(1, 2).training_outputs(self.image())
        torch.testing.assert_close(outputs[-1], self.network(1, 2)(self.image()))
        assert all(output.shape == outputs[-1].shape for output in outputs)

    def test_logits_are_raised_by_a_constant(self):
        net, by = self.make(1, 3, **self.small).eval(), torch.tensor([1.5, 0.0, -2.0])
        x, inner = self.image(), slice(self.fading, -self.fading or None)
        with torch.no_grad():
            before = net(x)
            net.raise_logits(by)
            raised = (net(x) - before)[..., inner, inner]
        assert raised.numel()
        torch.testing.assert_close(raised, by.reshape(1, 3, 1, 1).expand_as(raised), rtol=0, atol=1e-5)

    # Evaluation

    def test_evaluation_is_deterministic_and_knows_no_batch(self):
        x = self.image(batch=2)
        with torch.no_grad():
            first, second = self.network()(x), self.network()(x)
            alone = self.network()(x[1:])
        assert torch.equal(first, second)
        torch.testing.assert_close(first[1:], alone, rtol=1e-5, atol=1e-5)

    @classmethod
    @cache
    def exported(cls) -> tuple[torch.export.ExportedProgram, Tensor, Tensor]:
        """The network as an exported program, an image, and what the network itself makes of it."""
        x = cls.image()
        with torch.no_grad():
            expected = cls.network()(x)
        assert expected.std() > 0.01, "a result that hardly varies would prove nothing"
        return torch.export.export(cls.network(), (x,)), x, expected

    def test_compiles_without_a_break(self):
        torch.compiler.reset()
        with torch.no_grad():
            compiled = torch.compile(self.network(), fullgraph=True, backend="eager")(self.image())
            torch.testing.assert_close(compiled, self.network()(self.image()), rtol=0, atol=1e-5)

    def test_torch_export_gives_the_same(self):
        program, x, expected = self.exported()
        with torch.no_grad():
            torch.testing.assert_close(program.module()(x), expected, rtol=0, atol=1e-4)

    @ignore_exporter_warning
    def test_onnx_gives_the_same(self, tmp_path: Path):
        pytest.importorskip("onnxscript", reason="torch's ONNX exporter needs onnxscript")
        openvino = pytest.importorskip(
            "napari_unets.inference.quiet_openvino", reason="OpenVINO runs the ONNX file here"
        ).openvino
        program, x, expected = self.exported()
        torch.onnx.export(program, dynamo=True, verbose=False).save(tmp_path / "network.onnx")
        got = _run(openvino, openvino.Core().read_model(tmp_path / "network.onnx"), x)
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-4)

    @ignore_exporter_warning
    def test_openvino_gives_the_same(self):
        openvino = pytest.importorskip(
            "napari_unets.inference.quiet_openvino", reason="OpenVINO is an optional back end"
        ).openvino
        program, x, expected = self.exported()
        torch.testing.assert_close(_run(openvino, openvino.convert_model(program), x), expected, rtol=0, atol=1e-4)

    # Receptive field

    def test_the_receptive_field_is_the_documented_one(self):
        with torch.device("meta"):
            assert self.make().receptive_field_radius == self.radius

    def test_nothing_beyond_the_receptive_field_has_an_effect(self):
        net = randomise(self.make(**self.small).double())
        radius, margin = net.receptive_field_radius, net.margin
        size = net.next_valid_size(4 * radius + 2 * margin)
        x = torch.randn(
            1, 1, net.next_valid_size(1), size, dtype=torch.float64, generator=torch.Generator().manual_seed(2)
        )
        centre = size // 2
        changed = x.clone()
        changed[..., centre] += 100
        with torch.no_grad():
            difference = (net(changed) != net(x)).any(dim=(0, 1, 2)).nonzero() + margin
        assert difference.numel() > 0
        assert difference.min() >= centre - radius
        assert difference.max() <= centre + radius

    def test_the_receptive_field_is_no_larger_than_needed(self):
        net = make_positive(self.make(**self.deep).double(), growing=True)
        radius, margin = net.receptive_field_radius, net.margin
        assert radius == self.radius
        # One image for each place that a pixel can have in the pooling cells: a bright column in the dark.
        size = net.next_valid_size(2 * (radius + margin + net.stride))
        columns = radius + margin + torch.arange(net.stride)
        x = torch.zeros(net.stride, 1, net.next_valid_size(1), size, dtype=torch.float64)
        x[torch.arange(net.stride), ..., columns] = 1
        with torch.no_grad():
            lit = net(x).abs().amax(dim=(1, 2)) > 0
        farthest = 0
        for column, row in zip(columns.tolist(), lit, strict=True):
            reached = row.nonzero() + margin
            farthest = max(farthest, column - int(reached.min()), int(reached.max()) - column)
        assert self.tightness * radius <= farthest <= radius


def _run(openvino: Any, model: Any, x: Tensor) -> Tensor:
    # Without the hint a processor with bf16 units would compute in bf16.
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
    return torch.from_numpy(compiled(x.numpy())[0])
