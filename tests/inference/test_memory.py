from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from napari_unets.inference import (
    InferenceSettings,
    Predictor,
    WindowMemoryError,
    iter_tiles,
    keep_freed_memory,
    memory,
    predict,
)
from napari_unets.inference.planning import make_plan, resolve_halo

from .shared import STRICT, Limited, image, small_model


def test_bytes_per_pixel_counts_what_is_alive_together():
    # Image 4, features of 8 channels 32, of 2 channels 8: at the second convolution all of them.
    two = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 2, 1))
    assert memory.bytes_per_pixel(two, 1, 32) == 4 + 32 + 8
    # A third one follows when the first features are gone.
    three = nn.Sequential(nn.Conv2d(1, 8, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 9, 1))
    assert memory.bytes_per_pixel(three, 1, 32) == 4 + max(32 + 8, 8 + 36)


def test_what_counts_as_out_of_memory():
    for text in (
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.",
        "Exception from src/inference: std::bad_alloc",
        "MPS backend out of memory",
    ):
        assert memory.is_out_of_memory(RuntimeError(text))
    assert memory.is_out_of_memory(MemoryError())
    assert memory.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not memory.is_out_of_memory(RuntimeError("shapes do not match"))
    assert not memory.is_out_of_memory(ValueError("out of memory"))


def test_the_least_of_computer_and_container_counts(tmp_path, monkeypatch):
    assert memory.free_memory("cpu") > 0
    assert memory._container_memory(tmp_path) == []
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory._container_memory(tmp_path) == []
    (tmp_path / "memory.max").write_text("5000\n")
    assert memory._container_memory(tmp_path) == [4000]
    (tmp_path / "memory.stat").write_text("anon 300\nfile 700\ninactive_file 600\n")
    assert memory._container_memory(tmp_path) == [4600]
    monkeypatch.setattr(memory, "_container_memory", lambda: [4000])
    assert memory.free_memory("cpu") == 4000
    monkeypatch.setattr(memory, "_container_memory", list)  # as on macOS and Windows
    assert memory.free_memory("cpu") > 4000


def test_files_in_memory_are_free_in_old_containers_too(tmp_path):
    folder = tmp_path / "memory"
    folder.mkdir()
    for name, text in (
        ("memory.limit_in_bytes", "5000\n"),
        ("memory.usage_in_bytes", "4900\n"),
        ("memory.stat", "inactive_file 10\ntotal_inactive_file 4000\n"),
    ):
        (folder / name).write_text(text)
    assert memory._container_memory(tmp_path) == [4100]
    (folder / "memory.stat").write_text("something else\nentirely 3 4\n")
    assert memory._container_memory(tmp_path) == [100]


def test_keeping_freed_memory_is_undone_unless_it_is_for_good(monkeypatch):
    calls = []
    monkeypatch.setattr(memory, "_mallopt", lambda parameter, value: calls.append((parameter, value)) or True)
    monkeypatch.setattr(memory, "_KEEPING", set())
    keep, release = [(-4, 0), (-1, 2**31 - 1)], [(-4, 65536), (-3, 2**25), (-1, 2**26)]
    with memory.freed_memory_kept():
        assert calls == keep
    assert calls == keep + release
    calls.clear()
    assert keep_freed_memory()
    with memory.freed_memory_kept():  # a process that keeps it for good goes on doing so
        pass
    assert calls == keep
    monkeypatch.setattr(memory, "_mallopt", lambda parameter, value: False)
    assert not keep_freed_memory()


def test_freed_memory_kept_leaves_the_results_alone():
    with memory.freed_memory_kept():
        before = torch.ones(3_000_000)
    assert float(before.sum()) == 3_000_000


def free(monkeypatch, n_bytes):
    monkeypatch.setattr(memory, "free_memory", lambda device: n_bytes)


def test_windows_and_batches_follow_the_free_memory(monkeypatch):
    with Predictor(small_model(), STRICT) as predictor:
        free(monkeypatch, 2 * predictor.bytes_per_pixel * 10_000)
        small = make_plan(predictor, 512, 512, 1)
        assert small.grid.window_pixels <= 10_000
        free(monkeypatch, 2**40)
        large = make_plan(predictor, 512, 512, 30)
        assert len(large.grid) == 1
        many = make_plan(predictor, 64, 64, 30)
        assert many.batch == 30
        assert make_plan(predictor, 128, 128, 30).batch == 16
        assert make_plan(predictor, 20_000, 20_000, 1).grid.window_pixels <= 2**22


def test_settings_decide_where_given():
    settings = STRICT.model_copy(update={"tile": 48, "batch": 3, "halo": 5})
    with Predictor(small_model(), settings) as predictor:
        plan = make_plan(predictor, 100, 100, 2)
        assert max(plan.grid.shape) <= 48
        assert (plan.batch, plan.halo) == (3, 5)


def test_halo_of_the_card_exact_or_given_and_never_more_than_exact():
    for halo, pixels in (("card", 8), ("exact", 21), (3, 3), (500, 21)):
        with Predictor(small_model(), STRICT.model_copy(update={"halo": halo})) as predictor:
            assert predictor.geometry.exact_halo == 21
            assert resolve_halo(predictor) == pixels


def test_windows_shrink_until_they_fit_and_the_result_is_the_same():
    model, planes = small_model(), image(3, 90, 110)
    expected = predict(model, planes, settings=STRICT.model_copy(update={"halo": "exact"}))
    predictor = Limited(model, STRICT.model_copy(update={"halo": "exact"}), pixels=80 * 80)
    events = []
    result = predict(model, planes, predictor=predictor, on_event=events.append)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    tried = [shape[0] * shape[2] * shape[3] for shape in predictor.shapes]
    assert tried[0] > 80 * 80
    assert predictor.shapes[0][0] == 3  # the batch is made smaller first
    assert predictor.shapes[1][0] == 1
    assert tried[-1] <= 80 * 80
    assert events[-1].done == events[-1].total == len(events)


def test_memory_that_vanishes_half_way_costs_only_the_plane_at_hand():
    model, planes = small_model(), image(4, 90, 110)
    settings = STRICT.model_copy(update={"batch": 1, "halo": "exact"})
    expected = predict(model, planes, settings=settings)
    predictor = Limited(model, settings, pixels=10**6)
    result = np.full(planes.shape, np.nan, np.float32)
    seen = []
    for event in iter_tiles(model, planes, predictor=predictor):
        result[event.plane, event.y, event.x] = event.probabilities
        seen.append(event.plane)
        if event.plane == 1:
            predictor.pixels = 80 * 80
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert seen[:2] == [0, 1]
    assert set(seen[2:]) == {2, 3}
    assert (event.done, event.total) == (len(seen), len(seen))


def test_if_nothing_fits_the_error_says_what_to_do():
    model = small_model()
    with pytest.raises(WindowMemoryError, match=r"model 'small' does not fit into the free memory of cpu \(\d+ MiB\)"):
        predict(model, image(200, 200), predictor=Limited(model, pixels=10))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_errors_of_the_back_end_that_mean_memory_get_a_name(error, monkeypatch):
    def fail(batch):
        raise error

    with Predictor(small_model(), STRICT) as predictor:
        monkeypatch.setattr(predictor._backend, "logits", fail)
        with pytest.raises(WindowMemoryError, match="1 windows of 16×16 pixels do not fit into the memory of cpu"):
            predictor(image(1, 1, 16, 16))


def test_other_errors_are_left_as_they_are(monkeypatch):
    def fail(batch):
        raise RuntimeError("a bug")

    with Predictor(small_model(), InferenceSettings(backend="torch")) as predictor:
        monkeypatch.setattr(predictor._backend, "logits", fail)
        with pytest.raises(RuntimeError, match="a bug"):
            predictor(image(1, 1, 16, 16))
