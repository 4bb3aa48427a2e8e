"""Readers: what napari gets of a file."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pikepdf
import pytest
import tifffile
import zarr
from jobs.volume_support import SHAPE, plan, save_volume
from napari.components import ViewerModel
from napari.layers import Layer
from npe2 import PluginManager, PluginManifest

import napari_unets
from napari_unets.images import EncryptedImageError, UnreadableImageError, create_page_writer, open_stack, save_stack
from napari_unets.images.opening import HDF5_SUFFIXES, MRC_SUFFIXES, TIFF_SUFFIXES
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES
from napari_unets.jobs.volumes import run_volume
from napari_unets.models import load_model
from napari_unets.widgets.files import readers
from napari_unets.widgets.files.readers import get_reader, read_stack
from napari_unets.widgets.files.stack_layer import LiveArray, stack_layer_data

STACK = np.random.default_rng(0).integers(0, 255, (4, 40, 50)).astype(np.uint8)


def _layer(path):
    (data,) = get_reader(str(path))(str(path))
    return Layer.create(*data)


@pytest.mark.parametrize("target", ["a.tif", "a.ome.zarr", "folder"])
@pytest.mark.parametrize("labels", [False, True])
def test_layer_of_a_stack(tmp_path, target, labels):
    path = save_stack(tmp_path / target, STACK, voxel_size_nm=(50, 4, 5), metadata={"model": "m"}, labels=labels)
    layer = _layer(path)
    assert type(layer).__name__ == ("Labels" if labels else "Image")
    assert layer.name == target.split(".")[0]
    np.testing.assert_array_equal(layer.scale, (50, 4, 5))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.metadata == {"model": "m", "path": str(path)}
    np.testing.assert_array_equal(layer.data, STACK)


def test_single_image_is_flat(tmp_path):
    layer = _layer(save_stack(tmp_path / "a.png", STACK[:1]))
    assert layer.data.shape == (40, 50)
    assert layer.axis_labels == ("y", "x")
    assert [str(unit) for unit in layer.units] == ["pixel"] * 2


def test_colour(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3)).astype(np.uint8)
    layer = _layer(save_stack(tmp_path / "a.tif", colour, voxel_size_nm=(50, 4, 4)))
    assert layer.rgb
    assert layer.ndim == 3
    np.testing.assert_array_equal(layer.data, colour)


def test_time_and_channels_have_no_length(tmp_path):
    path = save_stack(tmp_path / "a.tif", STACK.reshape(2, 2, 40, 50), axes="tzyx", voxel_size_nm=(50, 4, 4))
    layer = _layer(path)
    assert [str(unit) for unit in layer.units] == ["pixel", "nanometer", "nanometer", "nanometer"]
    np.testing.assert_array_equal(layer.scale, (1, 50, 4, 4))


def test_large_stacks_stay_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "READ_AT_ONCE", STACK.nbytes - 1)
    layer = _layer(save_stack(tmp_path / "a.tif", STACK))
    assert isinstance(layer.data, da.Array)
    np.testing.assert_array_equal(layer.data[2], STACK[2])


def test_pyramid(tmp_path):
    levels = [STACK, STACK[:, ::2, ::2]]
    multiscale = {"axes": list("zyx"), "datasets": [{"path": "0"}, {"path": "1"}]}
    group = zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"version": "0.5", "multiscales": [multiscale]}})
    for i, level in enumerate(levels):
        group.create_array(str(i), data=level)
    layer = _layer(tmp_path / "a.zarr")
    assert layer.multiscale
    for shown, level in zip(layer.data, levels, strict=True):
        np.testing.assert_array_equal(shown, level)


def test_what_can_be_opened(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "group.zarr").mkdir()
    save_stack(tmp_path / "sections", STACK)
    for name in ("a.TIF", "a.rec", "a.h5", "a.jpg", "group.zarr", "sections"):
        assert get_reader(str(tmp_path / name)) is read_stack
    for name in ("a.csv", "empty", "a.npy"):
        assert get_reader(str(tmp_path / name)) is None


@pytest.mark.parametrize("name", ["a.pdf", "a.tif", "folder", "folder of documents"])
def test_pages_of_several_sizes_are_padded(tmp_path, name):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        for i, plane in enumerate((STACK[0], STACK[1, :30])):
            save_stack(path / f"{i}.png", plane[None])
    else:
        if name == "folder of documents":
            path.mkdir()
        with create_page_writer(path / "a.pdf" if path.is_dir() else path) as writer:
            writer.write(STACK[0], dpi=(100, 100))
            writer.write(STACK[1, :30], dpi=(50, 50))
    layer = _layer(path)
    grey = layer.data[..., 0] if layer.rgb else layer.data
    np.testing.assert_array_equal(grey[0], STACK[0])
    np.testing.assert_array_equal(grey[1, :30], STACK[1, :30])
    assert (grey[1, 30:] == 255).all()
    assert [page["size"] for page in layer.metadata["pages"]] == [[40, 50], [30, 50]]
    assert layer.metadata["path"] == str(path)


def test_a_pdf_that_is_locked_says_so(tmp_path):
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(tmp_path / "a.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(EncryptedImageError, match=r"a\.pdf.*password"):
        get_reader(str(tmp_path / "a.pdf"))(str(tmp_path / "a.pdf"))


def test_lists_of_paths(tmp_path):
    path = str(save_stack(tmp_path / "a.tif", STACK))
    assert get_reader([path])([path])[0][0].shape == STACK.shape
    assert get_reader([path, path]) is None


def test_broken_file_says_so(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UnreadableImageError, match=r"a\.tif.*truncated"):
        get_reader(str(path))(str(path))


def test_layers_go_into_a_viewer(tmp_path):
    viewer = ViewerModel()
    for name in ("a.tif", "b.ome.zarr"):
        viewer.add_layer(_layer(save_stack(tmp_path / name, STACK, voxel_size_nm=(50, 4, 4), labels=name == "a.tif")))
    np.testing.assert_array_equal(viewer.dims.range[0], (0, 150, 50))


@pytest.fixture
def plugins():
    """Our manifest alone."""
    manifest = PluginManifest.from_file(Path(napari_unets.__file__).parent / "napari.yaml")
    plugins = PluginManager()
    plugins.register(manifest)
    return plugins


@pytest.mark.parametrize("name", ["a.tif", "b.TIFF", "c.ome.zarr", "d.png", "folder"])
def test_napari_finds_the_reader(tmp_path, plugins, name):
    path = save_stack(tmp_path / name, STACK[:1])
    assert [reader.command for reader in plugins.iter_compatible_readers(str(path))] == ["napari-unets.get_reader"]


def test_the_manifest_names_what_is_read_and_nothing_else(plugins):
    named = {pattern for reader in plugins.iter_compatible_readers("a.tif") for pattern in reader.filename_patterns}
    suffixes = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES)
    assert named - {"*.zarr"} == {f"*{suffix}" for suffix in suffixes}


@pytest.mark.parametrize("kind", ["image", "labels"])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr", "a.png"])
def test_napari_finds_the_writer(plugins, kind, name):
    writer, path = plugins.get_writer(name, [kind])
    assert (writer.command, path) == (f"napari-unets.write_{'labels' if kind == 'labels' else 'image'}", name)


def test_real_sections(shared_data):
    layer = _layer(shared_data / "isbi2012" / "image")
    assert layer.data.shape == (24, 512, 512)
    assert layer.name == "image"


def test_a_volume_that_grows_is_read_anew_in_the_classes_colours(make_napari_viewer, tmp_path):
    source = save_volume(tmp_path / "in.tif")
    job = plan(source, tmp_path / "out.ome.zarr", "otsu")

    def interrupt(event):
        if event.done >= 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_volume(job, on_event=interrupt)
    viewer = make_napari_viewer()
    layer = viewer.add_layer(Layer.create(*read_stack(str(job.output))[0]))
    assert isinstance(stack_layer_data(open_stack(job.output))[0], LiveArray)  # what the Open widget adds
    ink = load_model("otsu").card.classes[0]
    np.testing.assert_allclose(layer.get_color(ink.id), [*(int(ink.color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1])
    viewer.dims.set_current_step(0, SHAPE[0] - 1)
    assert not np.asarray(layer.data[-1]).any()
    run_volume(job, resume=True)
    viewer.dims.set_current_step(0, 0)
    viewer.dims.set_current_step(0, SHAPE[0] - 1)
    with open_stack(job.output) as made:
        for y, x in ((0, 0), (40, 50), (89, 109)):
            assert layer.get_value((SHAPE[0] - 1, y, x)) == made.plane(-1)[y, x] > 0
    assert isinstance(read_stack(str(job.output))[0][0], np.ndarray)  # finished, and small: in memory


def test_probabilities_are_shown_from_0_to_1(tmp_path):
    job = plan(save_volume(tmp_path / "in.tif"), tmp_path / "out.ome.zarr", "otsu", kind="probabilities")
    run_volume(job)
    _, keywords, kind = read_stack(str(job.output))[0]
    assert (kind, keywords["contrast_limits"]) == ("image", (0.0, 1.0))
