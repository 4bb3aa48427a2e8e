"""What planes are called."""

from __future__ import annotations

from napari_unets.images.plane_names import plane_index, plane_name


def test_one_number_an_axis_as_the_sliders_show_it():
    assert plane_name(7, (20,)) == "7"
    assert plane_name(21, (3, 8)) == "(2, 5)"
    assert plane_name(0, ()) == "0"
    assert plane_index(21, (3, 8)) == (2, 5)
    assert plane_index(0, ()) == ()
