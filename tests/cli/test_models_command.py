"""``napari-unets models``."""

from __future__ import annotations

import json


def test_list(program, own_model):
    for arguments in (["models"], ["models", "list"]):
        result = program(*arguments)
        assert result.code == 0
        assert "mine" in result.out
        assert "Finds what I painted." in result.out


def test_list_as_json(program, own_model):
    for arguments in (["models", "--json"], ["models", "list", "--json"]):
        found = {entry["name"]: entry for entry in json.loads(program(*arguments).out)}
        assert found["mine"]["folder"] == str(own_model)
        assert [c["name"] for c in found["mine"]["classes"]] == ["membrane", "cell"]


def test_a_damaged_model_is_listed_with_the_reason(program, own_model):
    (own_model / "card.json").write_text("{}")
    result = program("models")
    assert result.code == 0
    assert f"damaged: {own_model / 'card.json'}" in result.err
    (entry,) = (entry for entry in json.loads(program("models", "--json").out) if "error" in entry)
    assert entry["name"] == "mine"


def test_show(program, own_model):
    for name in ("mine", own_model):
        result = program("models", "show", name)
        assert result.code == 0
        assert "1 = membrane, 2 = cell" in result.out
        assert "0.9000" in result.out
    card = json.loads(program("models", "show", "mine", "--json").out)
    assert card["halo"] == 8
    assert card["folder"] == str(own_model)


def test_an_unknown_name_lists_the_names(program, own_model):
    result = program("models", "show", "mime")
    assert result.code == 1
    assert "Did you mean 'mine'?" in result.err
    assert result.err.count("\n") == 1


def test_remove(program, own_model):
    assert program("models", "remove", "mine").code == 0
    assert not own_model.exists()
    assert program("models", "remove", "mine").code == 1
