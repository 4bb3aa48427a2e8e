from __future__ import annotations

import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from napari_unets.inference import BackendError, InferenceSettings, Predictor, openvino_backend, predict
from napari_unets.inference import predictor as predictor_module
from napari_unets.inference.conversion_cache import ConversionCache

from .shared import STRICT, image, small_model

OPENVINO = InferenceSettings(backend="openvino", precision="fp32", threads=1)


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(shared_cache, monkeypatch):
    monkeypatch.setenv("NAPARI_UNETS_CACHE", str(shared_cache))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that is still empty."""
    monkeypatch.setenv("NAPARI_UNETS_CACHE", str(tmp_path))
    return tmp_path / "openvino"


class TestWithOpenVINO:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("openvino", reason="the optional back end is not installed")

    def test_nobody_is_told_that_it_is_used(self, tmp_path):
        environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD")}
        code = (
            "import sys; from napari_unets.inference.quiet_openvino import openvino; "
            "from openvino.tools.ovc import telemetry_utils; "
            "print(telemetry_utils.tm.__name__, sys.modules['openvino_telemetry'], openvino.Core().available_devices)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment | {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[:2] == ["openvino.tools.ovc.telemetry_stub", "None"], done
        assert "CPU" in done.stdout
        assert not (tmp_path / "intel").exists()

    @pytest.mark.parametrize("name", ["sf-net", "segnet", "unet-valid"])
    def test_it_gives_what_torch_gives_for_every_window_shape(self, name):
        model = small_model(name)
        with Predictor(model, OPENVINO) as fast, Predictor(model, STRICT) as strict:
            assert (fast.backend, fast.device) == ("openvino", "cpu")
            side = model.network.next_valid_size(2 * model.network.margin + 8)
            step = model.network.stride
            sides = [(0, 1), (2, 0), (5, 5), (0, 0), (1, 1), (0, 1)]
            for batch, (height, width) in zip((1, 2, 1, 3, 1, 1), sides, strict=True):
                x = image(batch, 1, side + height * step, side + width * step)
                np.testing.assert_allclose(fast(x), strict(x), atol=1e-4)
            assert len(fast._backend._compiled) == 4

    def test_a_converted_network_is_read_from_the_cache_the_next_time(self, cache, monkeypatch):
        model, x = small_model(), image(1, 1, 16, 16)
        with Predictor(model, OPENVINO) as predictor:
            first = predictor(x)
        assert len(list(cache.glob("*/network.xml"))) == 1

        def fail(*_, **__):
            raise AssertionError("it was converted again")

        monkeypatch.setattr(openvino_backend, "_exported", fail)
        with Predictor(model, OPENVINO) as predictor:
            np.testing.assert_array_equal(predictor(x), first)
        with pytest.raises(BackendError, match=r"OpenVINO cannot convert network 'sf-net' \(it was converted again\)"):
            Predictor(small_model(out_channels=2), OPENVINO)

    def test_a_damaged_copy_is_dropped_and_made_again(self, cache, monkeypatch):
        model, x = small_model(), image(1, 1, 16, 16)
        with Predictor(model, OPENVINO) as predictor:
            first, converted = predictor(x), predictor._backend._network
        again = []
        monkeypatch.setattr(openvino_backend, "_convert", lambda *_: again.append(1) or converted)
        for done, (file, left) in enumerate((("network.bin", 100), ("network.bin", 0), ("network.xml", 0)), start=1):
            (stored,) = cache.glob(f"*/{file}")
            stored.write_bytes(stored.read_bytes()[:left])
            for _ in range(2):
                with Predictor(model, OPENVINO) as predictor:
                    np.testing.assert_array_equal(predictor(x), first)
            assert len(again) == done

    def test_what_cannot_be_converted_runs_with_torch_unless_openvino_was_asked_for(self, cache, monkeypatch, caplog):
        def fail(*_, **__):
            raise RuntimeError("no such operation")

        monkeypatch.setattr(openvino_backend, "_exported", fail)
        with caplog.at_level(logging.WARNING), Predictor(small_model(), InferenceSettings(device="cpu")) as predictor:
            assert predictor.backend == "torch"
        assert "no such operation" in caplog.text

    def test_bf16_is_near_and_the_result_is_float32(self):
        model, plane = small_model(), image(60, 50)
        result = predict(model, plane, settings=OPENVINO, precision="bf16")
        assert result.dtype == np.float32
        assert np.abs(result - predict(model, plane, settings=STRICT)).mean() < 0.02


def test_without_openvino_auto_is_torch_and_asking_for_it_an_error(monkeypatch):
    monkeypatch.setattr(predictor_module, "openvino_is_installed", lambda: False)
    monkeypatch.setattr(openvino_backend, "openvino_is_installed", lambda: False)
    assert Predictor(small_model(), InferenceSettings(device="cpu")).backend == "torch"
    with pytest.raises(BackendError, match=r"pip install 'napari-unets\[openvino\]', or choose backend 'torch'"):
        Predictor(small_model(), OPENVINO)


def write(text):
    def save(path):
        path.write_text(text)
        path.with_suffix(".bin").write_text(text)

    return save


class TestConversionCache:
    def test_what_is_stored_is_found(self, tmp_path):
        cache = ConversionCache(tmp_path / "deep" / "folder")
        cache.store("b", write("2"))
        assert cache.find("a") is None
        cache.store("a", write("1"))
        cache.store("a", write("another process was faster"))
        assert cache.find("a").read_text() == "1"

    def test_the_oldest_go(self, tmp_path):
        import os

        cache = ConversionCache(tmp_path)
        for i in range(8):
            cache.store(str(i), write(str(i)))
            os.utime(tmp_path / str(i), (i, i))
        assert cache.find("0") is not None  # which makes it the youngest
        cache.store("8", write("8"))
        assert {p.name for p in tmp_path.iterdir()} == {"0", "2", "3", "4", "5", "6", "7", "8"}

    def test_a_failed_save_leaves_nothing(self, tmp_path):
        def save(path):
            path.write_text("half")
            raise OSError("disk full")

        cache = ConversionCache(tmp_path)
        cache.store("a", save)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_is_as_good_as_none(self, tmp_path):
        (tmp_path / "file").write_text("")
        cache = ConversionCache(tmp_path / "file" / "below")
        cache.store("a", write("1"))
        assert cache.find("a") is None
