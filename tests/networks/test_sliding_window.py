from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from napari_unets.networks import ImageSizeError, NetworkSettingsError, SlidingWindow

from .shared import NetworkTests, randomise


class TestSlidingWindow(NetworkTests):
    name = "sliding-window"
    small: ClassVar = {"width": 3, "hidden": 4, "kernels": [4, 5]}
    deep: ClassVar = {"width": 1, "hidden": 1}
    radius = 47
    counts: ClassVar = {(1, 1): 219_089, (1, 2): 219_290}

    def test_the_window_of_n4(self):
        assert SlidingWindow(width=1, hidden=1).window == 95

    @pytest.mark.parametrize(("kernels", "final"), [([4, 5], 3), ([3], 2), ([2, 3], 1), ([], 5)])
    def test_dense_equals_window_by_window(self, kernels: list[int], final: int):
        net = randomise(SlidingWindow(2, 3, width=3, hidden=4, kernels=kernels, final=final))
        x = torch.randn(1, 2, 9, 11)
        before = net.window // 2
        after = net.window - 1 - before
        around = F.pad(x, (before, after, before, after), mode="replicate")
        windows = around.unfold(2, net.window, 1).unfold(3, net.window, 1)  # (1, 2, 9, 11, window, window)
        windows = windows.permute(0, 2, 3, 1, 4, 5).reshape(9 * 11, 2, net.window, net.window)
        with torch.no_grad():
            one_by_one = net.classify_windows(windows).T.reshape(1, 3, 9, 11)
            torch.testing.assert_close(net(x), one_by_one, rtol=1e-5, atol=1e-5)
        assert one_by_one.std() > 0.01

    def test_the_papers_network_at_a_few_pixels(self):
        net = randomise(SlidingWindow())
        x = torch.randn(1, 1, 100, 97)
        with torch.no_grad():
            dense = net(x)
            for row, column in ((47, 47), (52, 49), (50, 48)):
                window = x[..., row - 47 : row + 48, column - 47 : column + 48]
                torch.testing.assert_close(
                    net.classify_windows(window)[0], dense[0, :, row, column], rtol=1e-4, atol=1e-4
                )

    def test_windows_of_another_size(self):
        with pytest.raises(ImageSizeError, match=r"windows of shape \(n, \*\(1, 95, 95\)\)"):
            SlidingWindow(width=1, hidden=1).classify_windows(torch.zeros(1, 1, 94, 95))

    @pytest.mark.parametrize(
        ("wrong", "complaint"),
        [
            ({"kernels": [4, 0]}, "at least 1"),
            ({"padding": "mirror"}, "'same' or 'valid', not 'mirror'"),
            ({"kernels": [3], "final": 2, "padding": "valid"}, "must be odd"),
        ],
    )
    def test_settings_that_cannot_be(self, wrong: dict[str, object], complaint: str):
        with pytest.raises(NetworkSettingsError, match=complaint):
            SlidingWindow(**wrong)


class TestUnpaddedSlidingWindow(NetworkTests):
    name = "sliding-window"
    variant: ClassVar = {"padding": "valid"}
    small: ClassVar = {"width": 3, "hidden": 4, "kernels": [4, 5]}
    deep: ClassVar = {"width": 1, "hidden": 1}
    radius = 47
    counts: ClassVar = {(1, 2): 219_290}

    def test_the_padded_result_without_its_border(self):
        net = self.network()
        padded = SlidingWindow(**self.small)
        padded.load_state_dict(net.state_dict())
        inner = slice(net.margin, -net.margin)
        with torch.no_grad():
            torch.testing.assert_close(net(self.image()), padded(self.image())[..., inner, inner])
