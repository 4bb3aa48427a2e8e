"""Arrays on their way to the worker."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from jobs import functions

from napari_unets.images import open_stack
from napari_unets.jobs.errors import HandOverError
from napari_unets.jobs.worker.arguments import PackedCall, pack_call
from napari_unets.jobs.worker.exchange import Exchange

SHAPE = (5, 300, 320)


@pytest.fixture
def exchange():
    exchange = Exchange()
    yield exchange
    exchange.close()


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def there(packed: PackedCall):
    """What the worker would get."""
    function, args, kwargs = packed.call.load(packed.arrays)
    assert function is functions.total
    return args[0] if args else kwargs["array"]


def test_array_in_memory_is_copied_once(exchange, values) -> None:
    packed = pack_call(functions.total, (values,), {}, exchange)
    (file,) = packed.files
    assert file.stat().st_size == values.nbytes
    assert len(packed.call.data) < 1000
    got = there(packed)
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, values)


def test_input_cannot_be_changed_by_the_job(exchange, values) -> None:
    packed = pack_call(functions.total, (), {"array": values}, exchange)
    there(packed)[:] = 0
    np.testing.assert_array_equal(there(packed), values)


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a.T,
        lambda a: a[:, ::-1],
        lambda a: a[1:, 10:, ::2],
        lambda a: np.broadcast_to(a[0], (2, *a.shape[1:])),
        lambda a: a[0],
        lambda a: a.reshape(-1),
        lambda a: a.astype(">f4"),
        lambda a: a > 0,
    ],
)
@pytest.mark.parametrize("mapped", [False, True])
def test_views(exchange, values, view, mapped: bool, tmp_path: Path) -> None:
    if mapped:
        np.save(tmp_path / "a.npy", values)
        values = np.load(tmp_path / "a.npy", mmap_mode="r")
    expected = view(values)
    got = there(pack_call(functions.total, (expected,), {}, exchange))
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("part", [np.s_[:], np.s_[1:, 5:], np.s_[:, :, ::2]])
def test_memory_mapped_file_is_not_copied(exchange, values, part, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    packed = pack_call(functions.total, (np.asarray(mapped)[part],), {}, exchange)
    assert packed.files == []
    assert len(packed.call.data) < 1000
    np.testing.assert_array_equal(there(packed), values[part])


def test_array_of_a_file_that_is_gone_is_copied(exchange, values, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    (tmp_path / "a.npy").rename(tmp_path / "b.npy")
    packed = pack_call(functions.total, (mapped,), {}, exchange)
    assert len(packed.files) == 1
    np.testing.assert_array_equal(there(packed), values)


def test_stack_goes_by_its_path(exchange, values, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values)
    with open_stack(tmp_path / "a.tif") as stack:
        for data in (stack, stack.as_dask()):
            packed = pack_call(functions.total, (data,), {}, exchange)
            assert packed.files == []
            got = there(packed)
            assert type(got) is type(data)
            np.testing.assert_array_equal(np.asarray(got), values)


def test_lazy_arrays_go_as_their_recipe(exchange, values, tmp_path: Path) -> None:
    stored = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=(1, 300, 320), dtype="f4")
    stored[:] = values
    for lazy in (stored, da.from_zarr(stored), da.from_zarr(stored)[1:] * 2):
        packed = pack_call(functions.total, (lazy,), {}, exchange)
        assert packed.files == []
        assert type(there(packed)) is type(lazy)
        np.testing.assert_array_equal(np.asarray(there(packed)), np.asarray(lazy))


def test_zarr_files_that_the_worker_cannot_see(exchange, values, tmp_path: Path) -> None:
    stored = zarr.create_array(tmp_path / "a.zarr", shape=SHAPE, chunks=(1, 300, 320), dtype="f4")
    packed = pack_call(functions.total, (da.from_zarr(stored),), {}, exchange)
    (tmp_path / "a.zarr").rename(tmp_path / "b.zarr")
    with pytest.raises(HandOverError, match=r"cannot see .*a\.zarr"):
        there(packed)


def test_dask_array_of_an_array_in_memory(exchange, values) -> None:
    packed = pack_call(functions.total, (da.from_array(values) + 1,), {}, exchange)
    assert len(packed.files) == 1
    assert len(packed.call.data) < 10_000
    np.testing.assert_array_equal(np.asarray(there(packed)), values + 1)


def test_lazy_array_that_cannot_be_pickled_is_copied_in_parts(exchange, values, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("x", data=values, chunks=(1, 100, 100))
        packed = pack_call(functions.total, (data,), {}, exchange)
        assert len(packed.files) == 1
        got = there(packed)
        assert isinstance(got, np.ndarray)
        np.testing.assert_array_equal(got, values)


def test_nested_and_repeated_arrays(exchange, values) -> None:
    packed = pack_call(functions.total, ({"levels": [values, values[:, ::2], values]},), {}, exchange)
    assert len(packed.files) == 2
    levels = there(packed)["levels"]
    np.testing.assert_array_equal(levels[0], values)
    np.testing.assert_array_equal(levels[1], values[:, ::2])
    np.testing.assert_array_equal(levels[2], values)


def test_small_and_special_arrays_go_along(exchange) -> None:
    small = np.arange(10)
    masked = np.ma.masked_greater(np.arange(100_000.0), 5)
    packed = pack_call(functions.total, ([small, masked],), {}, exchange)
    assert packed.files == []
    got_small, got_masked = there(packed)
    np.testing.assert_array_equal(got_small, small)
    assert got_masked.count() == 6


def test_worker_elsewhere_gets_arrays_through_dask(values, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", values)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    packed = pack_call(functions.total, ([values, mapped],), {}, None)
    assert packed.files == []
    assert len(packed.arrays) == 2
    for got in there(packed):
        np.testing.assert_array_equal(got, values)


def test_files_are_removed(exchange, values) -> None:
    packed = pack_call(functions.total, (values,), {}, exchange)
    packed.discard()
    assert not packed.files[0].exists()


def test_no_room(exchange, values, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**6, 10**6, 1000))
    with pytest.raises(HandOverError, match=r"only 0\.0 GB free.*Save the image"):
        pack_call(functions.total, (values,), {}, exchange)


def test_in_the_worker(run, values, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", values)
    expected = float(values.sum())
    stack = open_stack(tmp_path / "a.tif")
    for array, kind in ((values, "ndarray"), (stack, "Stack"), (stack.as_dask(), "Array")):
        got, name, writeable = run.result(functions.total, array, factor=2)
        assert got == pytest.approx(2 * expected, rel=1e-5)
        assert name == kind
        assert writeable
    stack.close()
