"""Classes that come after those that a model knows."""

from __future__ import annotations

import pytest

from napari_unets.models import ClassInfo, ModelCardError
from napari_unets.models.classes import CLASS_COLOURS, new_class

KNOWN = [ClassInfo(id=1, name="ink", color=CLASS_COLOURS[0].upper()), ClassInfo(id=2, name="paper", color="#ffffff")]


def test_a_class_takes_the_next_number_and_a_colour_of_its_own():
    stamp = new_class(KNOWN, " stamp ")
    assert (stamp.id, stamp.name, stamp.color) == (3, "stamp", CLASS_COLOURS[1])
    many = list(KNOWN)
    for number in range(12):
        many.append(new_class(many, f"class {number}"))
    assert [c.id for c in many] == list(range(1, 15))


@pytest.mark.parametrize("name", ["", "  ", "ink", " paper"])
def test_a_class_needs_a_name_of_its_own(name: str):
    with pytest.raises(ModelCardError, match=r"a name of its own.*there are ink, paper"):
        new_class(KNOWN, name)
