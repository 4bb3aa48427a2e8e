"""Numbers that the names of a folder's files leave out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_unets.images import open_stack
from napari_unets.images.numbering import left_out


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["s_000", "s_001", "s_003", "s_004"], [2]),
        (["s8", "s9", "s10", "s14"], [11, 12, 13]),
        (["a2_01.ome", "a2_02.ome", "a2_04.ome", "a2_05.ome", "a2_06.ome"], [3]),
        (["0", "5", "10", "20"], [15]),  # each fifth section
        (["1", "2", "3"], []),
        (["1", "3"], []),
        (["7"], []),
        (["a", "b"], []),
        (["a1", "b3"], []),
        (["x1", "x2", "x2b"], []),
        (["101", "115", "190", "204"], []),  # catalogue numbers
        (["1", "01"], []),
        (["1", "2", "3", "999999999999"], []),
    ],
)
def test_numbers_that_are_left_out(names, expected):
    assert left_out(names) == expected


def test_a_folder_in_which_a_section_is_missing(tmp_path):
    for number in (0, 1, 3, 4):
        Image.fromarray(np.full((20, 30), number, np.uint8)).save(tmp_path / f"s_{number:03}.png")
    assert open_stack(tmp_path).metadata == {"remarks": ["the names of its files leave out 2"]}
