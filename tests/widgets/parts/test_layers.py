"""What image layers hold, what of them is seen, and the layers of results."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unets.models import ClassInfo
from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.result_array import new_result_array, pyramid
from napari_unets.widgets.parts.result_layers import METADATA_KEY, class_colormap, is_result, result_layer
from napari_unets.widgets.parts.view import current_plane, current_view


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.mark.parametrize(
    ("data", "keywords", "shape", "n_planes"),
    [
        (np.zeros((40, 50)), {}, (40, 50), 1),
        (np.zeros((3, 40, 50)), {}, (3, 40, 50), 3),
        (np.zeros((2, 3, 40, 50)), {}, (2, 3, 40, 50), 6),
        (np.zeros((40, 50, 3), np.uint8), {"rgb": True}, (40, 50), 1),
        (np.zeros((2, 40, 50, 4), np.uint8), {"rgb": True}, (2, 40, 50), 2),
        ([np.zeros((3, 40, 50)), np.zeros((3, 20, 25))], {"multiscale": True}, (3, 40, 50), 3),
        (da.zeros((3, 40, 50), chunks=(1, 40, 50)), {}, (3, 40, 50), 3),
    ],
    ids=["2d", "3d", "4d", "rgb", "rgba-stack", "multiscale", "dask"],
)
def test_source_and_result_of_each_kind(viewer, tiny_card, data, keywords, shape, n_planes):
    layer = viewer.add_image(data, **keywords)
    source = image_source(layer)
    assert source.shape == shape
    assert source.n_planes == n_planes
    result = result_layer(viewer, layer, tiny_card, "segmentation", {})
    assert result.array.shape == shape
    assert result.planes.shape == (n_planes, *shape[-2:])
    assert np.shares_memory(result.planes, result.array)


def test_current_plane_counts_over_every_axis(viewer):
    layer = viewer.add_image(np.zeros((2, 3, 40, 50)), scale=(1, 50, 4, 4))
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(1, 2)
    assert current_plane(viewer, layer, layer.data.shape) == 5


def test_current_plane_of_a_layer_with_fewer_axes_and_of_one_left_behind(viewer):
    viewer.add_image(np.zeros((9, 3, 40, 50)))
    layer = viewer.add_image(np.zeros((2, 40, 50)))
    viewer.dims.set_current_step(0, 7)
    viewer.dims.set_current_step(1, 2)  # beyond the layer's two planes
    assert current_plane(viewer, layer, layer.data.shape) == 1


def test_view_is_what_the_canvas_shows(viewer):
    layer = viewer.add_image(np.zeros((3, 400, 500)))
    layer.corner_pixels = np.array([[0, 100, 50], [0, 199, 349]])
    view = current_view(viewer, layer)
    assert view.window == (slice(100, 200), slice(50, 350))
    assert view.focus == (view.plane, 150.0, 200.0)


def test_view_of_a_multiscale_layer_is_in_full_resolution(viewer):
    layer = viewer.add_image([np.zeros((400, 800)), np.zeros((100, 200))], multiscale=True)
    layer._data_level = 1
    layer.corner_pixels = np.array([[10, 20], [49, 99]])
    view = current_view(viewer, layer)
    assert view.window == (slice(40, 197), slice(80, 397))


def test_view_of_an_image_out_of_sight_is_all_of_it(viewer):
    layer = viewer.add_image(np.zeros((40, 50)))
    layer.corner_pixels = np.zeros((2, 2), int)
    assert current_view(viewer, layer).window == (slice(0, 40), slice(0, 50))


def test_view_ignores_rolled_axes(viewer):
    layer = viewer.add_image(np.zeros((30, 40, 50)))
    viewer.dims.order = (1, 0, 2)  # the canvas shows z against x
    layer.corner_pixels = np.array([[5, 0, 10], [20, 0, 29]])
    assert current_view(viewer, layer).window == (slice(0, 40), slice(10, 30))


def test_result_lies_where_the_image_lies(viewer, tiny_card):
    image = viewer.add_image(
        np.zeros((3, 40, 50)),
        name="sections",
        scale=(50, 4, 4),
        translate=(100, 8, 12),
        rotate=[[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        shear=[0, 0, 0.25],
        affine=np.diag([1.0, 2.0, 2.0, 1.0]),
        units=("nm", "nm", "nm"),
        axis_labels=("z", "y", "x"),
    )
    layer = result_layer(viewer, image, tiny_card, "segmentation", {"tta": True}).layer
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(layer, name), getattr(image, name), atol=1e-12)
    np.testing.assert_allclose(layer.affine.affine_matrix, image.affine.affine_matrix)
    assert layer.units == image.units
    assert layer.axis_labels == ("z", "y", "x")
    about = layer.metadata[METADATA_KEY]
    assert about["model"] == "tiny"
    assert about["settings"] == {"tta": True}
    assert [c["name"] for c in about["classes"]] == ["kind 1", "kind 2"]
    np.testing.assert_allclose(layer.get_color(1)[:3], [0xE4 / 255, 0x57 / 255, 0x2E / 255], atol=1e-6)
    assert layer.colormap.map(0)[3] == 0
    assert list(layer.features["class"]) == ["not annotated", "kind 1", "kind 2"]
    assert is_result(layer)
    assert not is_result(image)


@pytest.mark.parametrize("output", ["segmentation", "probabilities"])
def test_second_run_follows_an_image_that_was_moved(viewer, make_model, output):
    card = make_model("four", 4)  # its probabilities have an axis more than the image
    image = viewer.add_image(np.zeros((3, 40, 50)), rotate=[[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    layer = result_layer(viewer, image, card, output, {}).layer
    image.scale, image.translate, image.units = (50, 4, 4), (100, 8, 12), ("nm", "nm", "nm")
    image.rotate, image.shear = np.eye(3), [0, 0, 0.25]
    image.affine, image.axis_labels = np.diag([1.0, 2.0, 3.0, 1.0]), ("z", "y", "x")
    assert result_layer(viewer, image, card, output, {}).layer is layer
    corners = [[0, 0, 0], [2, 39, 49], [1, 0, 49]]
    for corner in corners:
        np.testing.assert_allclose(layer.data_to_world([0, *corner][-layer.ndim :])[-3:], image.data_to_world(corner))
    assert layer.units[-3:] == image.units
    assert layer.axis_labels[-3:] == ("z", "y", "x")


def test_second_run_takes_the_same_layer_and_another_model_its_own(viewer, tiny_card):
    image = viewer.add_image(np.zeros((3, 40, 50)))
    first = result_layer(viewer, image, tiny_card, "segmentation", {"tta": False})
    first.layer.name = "renamed by the user"
    again = result_layer(viewer, image, tiny_card, "segmentation", {"tta": True})
    assert again.layer is first.layer
    assert again.array is first.array
    assert again.layer.metadata[METADATA_KEY]["settings"] == {"tta": True}
    other = tiny_card.model_copy(update={"name": "another"})
    assert result_layer(viewer, image, other, "segmentation", {}).layer is not first.layer
    assert result_layer(viewer, image, tiny_card, "instances", {}).layer is not first.layer
    assert len(viewer.layers) == 4


def test_a_class_that_was_added_has_its_colour_in_the_next_run(viewer, tiny_card):
    image = viewer.add_image(np.zeros((3, 40, 50)))
    layer = result_layer(viewer, image, tiny_card, "segmentation", {}).layer
    classes = [*tiny_card.classes, ClassInfo(id=3, name="kind 3", color="#7fb069")]
    assert (
        result_layer(viewer, image, tiny_card.model_copy(update={"classes": classes}), "segmentation", {}).layer
        is layer
    )
    np.testing.assert_allclose(layer.get_color(3)[:3], [0x7F / 255, 0xB0 / 255, 0x69 / 255], atol=1e-6)
    assert list(layer.features["class"]) == ["not annotated", "kind 1", "kind 2", "kind 3"]


def test_layers_that_are_linked_to_a_result_stay_what_they_are(viewer, tiny_card):
    image = viewer.add_image(np.zeros((3, 40, 50)), metadata={"mine": 1})
    result = result_layer(viewer, image, tiny_card, "segmentation", {}).layer
    viewer.layers.link_layers([image, result])
    classes = [*tiny_card.classes, ClassInfo(id=3, name="kind 3", color="#7fb069")]
    result_layer(viewer, image, tiny_card.model_copy(update={"classes": classes}), "segmentation", {"tta": True})
    assert image.metadata == {"mine": 1}
    assert image.colormap.name == "gray"
    assert result.metadata[METADATA_KEY]["settings"] == {"tta": True}
    image.visible = False
    assert not result.visible, "for the rest they are linked as before"


def test_a_result_that_was_painted_on_is_left_alone(viewer, tiny_card):
    image = viewer.add_image(np.zeros((3, 40, 50)))
    first = result_layer(viewer, image, tiny_card, "segmentation", {})
    first.layer.paint((1, 20, 20), 2)
    second = result_layer(viewer, image, tiny_card, "segmentation", {})
    assert second.layer is not first.layer
    assert second.array is not first.array
    assert first.layer in viewer.layers
    assert result_layer(viewer, image, tiny_card, "segmentation", {}).layer is second.layer


def test_removed_result_and_replaced_data_get_a_new_layer(viewer, tiny_card):
    image = viewer.add_image(np.zeros((3, 40, 50)))
    first = result_layer(viewer, image, tiny_card, "segmentation", {})
    viewer.layers.remove(first.layer)
    second = result_layer(viewer, image, tiny_card, "segmentation", {})
    assert second.layer is not first.layer
    image.data = np.zeros((2, 30, 30))
    assert result_layer(viewer, image, tiny_card, "segmentation", {}).array.shape == (2, 30, 30)


def test_result_keeps_the_selection_and_lies_above_its_image(viewer, tiny_card):
    image = viewer.add_image(np.zeros((40, 50)))
    viewer.add_image(np.zeros((40, 50)), name="on top")
    viewer.layers.selection = {image}
    layer = result_layer(viewer, image, tiny_card, "probabilities", {}).layer
    assert viewer.layers.index(layer) == 1
    assert viewer.layers.selection.active is image
    assert tuple(layer.contrast_limits) == (0, 1)


def test_probabilities_of_many_classes_have_a_class_axis(viewer, make_model):
    card = make_model("three", classes=3)
    image = viewer.add_image(np.zeros((2, 40, 50)), scale=(50, 4, 4), units=("nm",) * 3, shear=[0, 0, 0.5])
    result = result_layer(viewer, image, card, "probabilities", {})
    assert result.array.shape == (3, 2, 40, 50)
    assert result.planes.shape == (3, 2, 40, 50)
    assert result.layer.axis_labels[0] == "class"
    np.testing.assert_allclose(result.layer.scale, [1, 50, 4, 4])
    np.testing.assert_allclose(result.layer.data_to_world((0, 1, 2, 3))[1:], image.data_to_world((1, 2, 3)))


def test_large_results_lie_in_a_file(monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 1000})())
    array = new_result_array((2, 30, 40), np.uint8)
    assert isinstance(array, np.memmap)
    assert not array.any()
    array[1, 5:9] = 7
    assert array[1, 8, 39] == 7
    assert isinstance(new_result_array((10,), np.uint8), np.ndarray)


def test_pyramid_shows_what_is_written_and_small_planes_have_none():
    assert len(pyramid(np.zeros((9, 512, 512), np.uint8))) == 1
    array = np.zeros((2, 5000, 4000), np.uint8)
    levels = pyramid(array)
    assert [level.shape for level in levels] == [(2, 5000, 4000), (2, 2500, 2000), (2, 1250, 1000), (2, 625, 500)]
    array[1, 2400:2600, :] = 3
    assert (levels[-1][1, 310] == 3).all()


def test_ids_of_classes_may_be_large():
    classes = [ClassInfo(id=i, name=str(i), color="#ff0000") for i in (1, 255, 70_000)]
    colors = class_colormap(classes).colors
    np.testing.assert_allclose(colors[[1, 255]], [[1, 0, 0, 1]] * 2)
    assert len(class_colormap([]).colors) == 50
