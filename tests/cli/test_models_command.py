"""``napari-unets models``."""

from __future__ import annotations

import json

import numpy as np

from napari_unets.images import save_stack


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


def test_models_that_cannot_be_listed_are_told_beside_the_others(program, tmp_path, monkeypatch):
    (tmp_path / "models").write_text("a file")
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(tmp_path / "models"))
    for arguments in (["models"], ["models", "--json"]):
        result = program(*arguments)
        assert (result.code, "em-membranes-fast" in result.out) == (0, True)
        assert "your models cannot be listed (Not a directory)" in result.err
    assert "your models cannot be listed" in json.loads(program("doctor", "--json").out)["models"]["error"]


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


def test_export_import_copy_and_rename(program, own_model, tmp_path):
    result = program("models", "export", "mine", tmp_path / "mine.zip")
    assert (result.code, result.err) == (0, f"mine → {tmp_path / 'mine.zip'}\n")
    assert program("models", "export", "mine", tmp_path / "mine.zip").code == 1
    assert program("models", "export", "mine", tmp_path / "mine.zip", "--overwrite").code == 0
    result = program("models", "import", tmp_path / "mine.zip")
    assert result.code == 1
    assert "there is a model 'mine' already" in result.err
    assert program("models", "import", tmp_path / "mine.zip", "--name", "theirs").code == 0
    assert program("models", "rename", "theirs", "ours").code == 0
    assert program("models", "copy", "wolf", "my-wolf").code == 0
    names = [entry["name"] for entry in json.loads(program("models", "--json").out)]
    assert {"mine", "ours", "my-wolf"} <= set(names)
    assert "theirs" not in names
    assert program("models", "rename", "wolf", "fox").code == 1


def test_new(program, own_model, tmp_path):
    result = program("models", "new", "nuclei", "--class", "nucleus", "--class", "rest", "--set", "width=4", "--rgb")
    assert result.code == 0, result.err
    card = json.loads(program("models", "show", "nuclei", "--json").out)
    assert [c["name"] for c in card["classes"]] == ["nucleus", "rest"]
    assert (card["network_config"]["width"], card["network_config"]["in_channels"]) == (4, 3)
    image = save_stack(tmp_path / "image.tif", np.zeros((1, 40, 40), np.uint8))
    ran = program("segment", image, "--output", tmp_path / "nothing.tif", "--model", "nuclei", "--backend", "torch")
    assert ran.code == 0, ran.err
    assert "nuclei has random weights" in ran.err
    for arguments, says in (
        (["nuclei"], "already"),
        (["em-membranes"], "ships with the package"),
        (["other", "--set", "width"], "KEY=VALUE"),
        (["other", "--set", "width=wide"], "width='wide'"),
    ):
        refused = program("models", "new", *arguments)
        assert refused.code != 0
        assert says in refused.err
