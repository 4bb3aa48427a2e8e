"""A volume on disk that is written block by block."""

from __future__ import annotations

import numpy as np
import ome_zarr_models.v05
import ome_zarr_models.v05.image_label
import pytest
import zarr

from napari_unets.images import ImageWriteError, UnsupportedImageError, open_stack
from napari_unets.images.note import Note
from napari_unets.images.pyramid import Pyramid, halved
from napari_unets.images.volume_store import VolumeStore

CLASSES = ((1, "membrane", "#ff8000"), (2, "cell", "#0000ff"))
SHAPE = (3, 1030, 1040)


def _store(dtype="uint8", block=(2, 1024, 1024), voxel=(10, 4, 4), labels=True):
    note = Note("zyx", voxel, is_labels=labels, metadata={"by": "a test"})
    return VolumeStore(Pyramid(SHAPE, block, voxel_size_nm=voxel), dtype, note, CLASSES if labels else ())


def _write(store, path, values):
    """Write block by block, the last one first."""
    places = np.ndindex(*(-(-n // side) for n, side in zip(values.shape, store.pyramid.block, strict=True)))
    for place in reversed(list(places)):
        start = [i * side for i, side in zip(place, store.pyramid.block, strict=True)]
        part = values[tuple(slice(a, a + side) for a, side in zip(start, store.pyramid.block, strict=True))]
        for name, content in store.files(start, part).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            assert not (path / name).exists(), "two blocks write one file"
            (path / name).write_bytes(content)


@pytest.mark.parametrize(("dtype", "labels"), [("uint8", True), ("float32", False), ("uint32", True)])
def test_blocks_make_a_pyramid(tmp_path, dtype, labels):
    values = np.random.default_rng(0).integers(0, 4, SHAPE).astype(dtype)
    store = _store(dtype, labels=labels)
    store.create(tmp_path / "a.ome.zarr", tmp_path / "scratch")
    _write(store, tmp_path / "a.ome.zarr", values)
    for number, level in enumerate(store.pyramid.levels):
        if number:
            values = halved(values, store.pyramid.steps(number), is_labels=labels)
        stack = open_stack(tmp_path / "a.ome.zarr", level=number)
        np.testing.assert_array_equal(stack, values)
        assert stack.voxel_size_nm == tuple(f * s for f, s in zip(level.factor, (10, 4, 4), strict=True))
        assert (stack.is_labels, stack.metadata, stack.levels) == (labels, {"by": "a test"}, len(store.pyramid.levels))


@pytest.mark.parametrize("labels", [True, False])
def test_it_is_valid_before_anything_is_written(tmp_path, labels):
    store = _store("uint8" if labels else "float32", labels=labels)
    store.create(tmp_path / "a.ome.zarr", tmp_path / "scratch")
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    kind = ome_zarr_models.v05.image_label.ImageLabel if labels else ome_zarr_models.v05.Image
    image = kind.from_zarr(group)
    (multiscale,) = image.ome_attributes.multiscales
    assert [(axis.name, axis.type, axis.unit) for axis in multiscale.axes] == [(a, "space", "nanometer") for a in "zyx"]
    scale, shift = multiscale.datasets[1].coordinateTransformations
    assert (scale.scale, shift.translation) == ([10, 8, 8], [0, 2, 2])
    assert multiscale.type == ("mode" if labels else "mean")
    if labels:
        colours = image.ome_attributes.image_label.colors
        assert [(c.label_value, tuple(c.rgba)) for c in colours] == [(1, (255, 128, 0, 255)), (2, (0, 0, 255, 255))]
        assert [p.model_extra["class"] for p in image.ome_attributes.image_label.properties] == ["membrane", "cell"]
    assert not np.asarray(open_stack(tmp_path / "a.ome.zarr")).any()


def test_other_programs_find_the_shards(tmp_path):
    store = _store()
    store.create(tmp_path / "a.ome.zarr", tmp_path / "scratch")
    array = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")["0"]
    assert (array.chunks, array.shards) == ((1, 1024, 1024), (2, 1024, 1024))


def test_the_same_voxels_give_the_same_bytes():
    part = np.random.default_rng(1).random((2, 1024, 1024)).astype(np.float32)
    store = _store("float32", labels=False)
    assert store.files((0, 0, 0), part) == store.files((0, 0, 0), part.copy())
    assert store.files((0, 0, 0), np.zeros_like(part)) == {}


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImageWriteError, match=r"b\.ome\.zarr"):
        _store().create(tmp_path / "file" / "b.ome.zarr", tmp_path / "file" / "scratch")
    store = VolumeStore(Pyramid((4, 8, 8), (4, 8, 8)), "uint8", Note("pyx"))
    with pytest.raises(UnsupportedImageError, match="'pyx'"):
        store.create(tmp_path / "a.ome.zarr", tmp_path / "scratch")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
