"""Units of length, voxel sizes and the names of axes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unets.images.axes import stack_axes, tidy_axes
from napari_unets.images.errors import VoxelSizeError
from napari_unets.images.note import Note
from napari_unets.images.units import known_voxel_size, nanometres, voxel_size


@pytest.mark.parametrize(
    ("unit", "value"),
    [
        ("nm", 1),
        ("nanometer", 1),
        ("Nanometres", 1),
        ("µm", 1000),
        ("μm", 1000),
        ("um", 1000),
        ("\\u00B5m", 1000),
        ("micron", 1000),
        ("microns", 1000),
        ("Å", 0.1),
        ("\u212b", 0.1),
        ("angstroms", 0.1),
        ("mm", 1e6),
        ("m", 1e9),
        ("inch", 25.4e6),
        ("pixel", None),
        ("", None),
        ("parsec", None),
    ],
)
def test_nanometres(unit, value):
    assert nanometres(unit) == value


def test_voxel_size():
    assert voxel_size(None) is None
    assert voxel_size([50, 4, 4]) == (50.0, 4.0, 4.0)


@pytest.mark.parametrize(
    "wrong", [(4, 4), 4, (4, "a", 4), (4, 4, 0), (4, 4, -1), (4, 4, float("nan")), (float("inf"), 1, 1), ()]
)
def test_wrong_voxel_size(wrong):
    with pytest.raises(VoxelSizeError, match="three positive numbers"):
        voxel_size(wrong)


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf")])
def test_voxel_size_of_a_file(wrong):
    assert known_voxel_size((50.0, 5.0, 4.0)) == (50.0, 5.0, 4.0)
    assert known_voxel_size((wrong, 5.0, 4.0)) == (5.0, 5.0, 4.0)
    assert (
        known_voxel_size((50.0, wrong, 4.0)) is known_voxel_size((50.0, 5.0, wrong)) is known_voxel_size(None) is None
    )


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        ("ZYX", "zyx"),
        ("QYX", "zyx"),
        ("IYXS", "zyxs"),
        ("TCZYX", "tczyx"),
        ("QQYX", "tzyx"),
        ("QZYX", "tzyx"),
        (["time", "channel", "depth", "y", "x"], "tczyx"),
        (["", "y", "x"], "zyx"),
    ],
)
def test_names_of_axes(names, axes):
    assert tidy_axes(names) == axes


@given(st.lists(st.sampled_from(["Q", "I", "Z", "T", "C", "R", "V", "Y", "X", "S"]), max_size=8))
def test_axes_become_distinct_letters(names):
    axes = tidy_axes(names)
    assert len(axes) == len(names)
    assert len(set(axes)) == len(axes)


@pytest.mark.parametrize(("stored", "kept"), [("yx", "zyx"), ("xyz", "zyx"), ("syx", "zyxs"), ("tcyx", "tcyx")])
def test_order_of_axes(stored, kept):
    assert stack_axes(stored) == kept


@given(
    st.builds(
        Note,
        axes=st.sampled_from(["zyx", "tczyx"]),
        voxel_size_nm=st.none() | st.tuples(*[st.floats(0.001, 1e6)] * 3),
        is_labels=st.booleans(),
        metadata=st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    )
)
def test_note_comes_back(note):
    assert Note.parse(note.to_json()) == note
    assert note.to_json().isascii()


@pytest.mark.parametrize("other", ["", "{}", "[1]", b"\xff", '{"axes": "zyx"}', "null"])
def test_notes_of_others_are_left_alone(other):
    assert Note.parse(other) is None
