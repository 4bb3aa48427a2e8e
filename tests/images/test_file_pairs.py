"""Two folders of images, and which file of one belongs to which of the other."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from napari_unets.images import Stack, open_stack, save_stack
from napari_unets.images.file_pairs import unpaired


def folder(place: Path, stems: str, **opening) -> Stack:
    place.mkdir()
    for i, stem in enumerate(stems.split()):
        save_stack(place / f"{stem}.png", np.full((4, 5), i, np.uint8))
    return open_stack(place, **opening)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("01 02 04", "01 02 04"),
        ("s1 s2 s10", "s01 s02 s10"),
        ("image_2_z7 image_2_z9", "7-label 9-label"),
        ("um_000001 um_000004", "um_road_000001 um_road_000004"),
        ("s1_t1 s1_t2 s2_t1", "1_1 1_2 2_1"),
        ("01 02 03", "0 1 2"),  # counted by whoever wrote them
        ("z100 z110 z120", "0 1 2"),
        ("brain liver", "brain_mask liver_mask"),
        ("brain liver", "x y"),  # says nothing
        ("brain liver", "1 2"),
        ("one", "other"),
    ],
)
def test_names_that_do_not_speak_against_it(tmp_path, images, labels):
    assert not unpaired(folder(tmp_path / "image", images), folder(tmp_path / "label", labels))


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        ("01 02 04", "01 02 03", "04.png is only in {}/image and 03.png is only in {}/label; take out what has no"),
        ("01 02 03", "02 03 04", "01.png is only in {}/image and 04.png is only in"),
        ("01 02 04", "0 1 2", "04.png is only in {}/image and 0.png is only in {}/label"),
        ("1 2 3 4 5 6", "1", "2.png, 3.png, 4.png and 2 more are only in"),
        ("s1_t1 s1_t2 s2_t2", "1_1 1_2 2_1", "s2_t2.png is only in"),
        ("brain liver", "brain lung", "liver.png is only in {}/image and lung.png is only in {}/label"),
        ("brain kidney liver", "l_brain l_lung l_liver", "kidney.png is only in {}/image and l_lung.png is only in"),
    ],
)
def test_files_without_a_partner_are_named(tmp_path, images, labels, said):
    wrong = unpaired(folder(tmp_path / "image", images), folder(tmp_path / "label", labels))
    assert said.format(tmp_path, tmp_path) in wrong.replace("\\", "/")


def test_files_stay_with_their_planes(tmp_path):
    chosen = folder(tmp_path / "image", "01 02 04", pages="1,3")
    assert chosen.files == ("01.png", "04.png")
    assert pickle.loads(pickle.dumps(chosen)).files == chosen.files
    assert not unpaired(chosen, folder(tmp_path / "label", "01 04"))
    assert not open_stack(tmp_path / "image", axes="yzx").files
    assert not open_stack(tmp_path / "image" / "01.png").files
