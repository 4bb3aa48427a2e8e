"""Models out of the store and into it, and what is refused."""

from __future__ import annotations

import errno
import json
import os
import pickle
import shutil
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from tests_support import card_of

from napari_unets.models import (
    ModelCardError,
    ModelError,
    ModelExistsError,
    ModelFileError,
    ModelStore,
    ModelVersionError,
    UnknownModelError,
    WeightsError,
    copy_model,
    export_model,
    import_model,
    load_model,
    model_in,
    rename_model,
    save_model,
)
from napari_unets.models import transfer as transfer_module
from napari_unets.networks import create_network


@pytest.fixture
def store(tmp_path, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(tmp_path / "models"))
    network = create_network("sf-net", width=4, narrow=4, depth=1)
    save_model(network, card_of(network, halo=16), tmp_path / "models" / "tiny")
    return ModelStore()


def same_model(one, other):
    a, b = load_model(one), load_model(other)
    assert a.card.model_copy(update={"name": b.name}) == b.card
    for name, tensor in a.network.state_dict().items():
        assert torch.equal(tensor, b.network.state_dict()[name])


@pytest.mark.parametrize("name", ["tiny.zip", "folder"])
def test_there_and_back(store, tmp_path, name):
    target = export_model("tiny", tmp_path / name)
    assert target == tmp_path / name
    if name.endswith(".zip"):
        assert zipfile.ZipFile(target).namelist() == ["tiny/card.json", "tiny/weights.safetensors"]
    else:
        same_model(target, store.folder("tiny"))
    assert model_in(target) == load_model("tiny").card
    assert import_model(target, name="back") == "back"
    same_model("tiny", "back")
    with pytest.raises(ModelExistsError, match="a model 'tiny' already"):
        import_model(target)
    with pytest.raises(ModelExistsError, match=r"exists already.*\(overwrite=True; in the shell --overwrite\)"):
        export_model("tiny", target)
    export_model("tiny", target, overwrite=True)
    store.remove("tiny")
    assert import_model(target) == "tiny"
    assert import_model(target, overwrite=True) == "tiny"
    same_model("tiny", "back")
    assert sorted(path.name for path in store.user.iterdir()) == ["back", "tiny"]


def test_a_formula_has_a_card_alone(store, tmp_path):
    with zipfile.ZipFile(export_model("sauvola", tmp_path / "s.zip")) as archive:
        assert archive.namelist() == ["sauvola/card.json"]
    with pytest.raises(ModelExistsError, match="ships with the package"):
        import_model(tmp_path / "s.zip")
    assert import_model(tmp_path / "s.zip", name="my-sauvola") == "my-sauvola"
    assert load_model("my-sauvola").card.network == "sauvola"


def test_copy_and_rename(store):
    assert copy_model("otsu", "mine") == "mine"
    assert rename_model("mine", "yours") == "yours"
    assert sorted(path.name for path in store.user.iterdir()) == ["tiny", "yours"]
    assert load_model("yours").name == "yours"
    with pytest.raises(ModelExistsError, match="ships with the package and keeps its name"):
        rename_model("otsu", "ours")
    with pytest.raises(ModelExistsError, match="'tiny' already; choose another name, or remove that one first"):
        copy_model("otsu", "tiny")
    with pytest.raises(ModelExistsError, match="ships with the package"):
        copy_model("tiny", "otsu")
    for name in ("../up", "Two words", "", "a/b", "."):
        with pytest.raises(ModelCardError, match="no name of a model"):
            copy_model("otsu", name)
    with pytest.raises(UnknownModelError):
        copy_model("none", "some")


def packed(path, files):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of names that come twice
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files:
                archive.writestr(name, content)
    return path


@pytest.fixture
def parts(store):
    """Card and weights of ``tiny`` as bytes, under another name."""
    folder = store.folder("tiny")
    card = json.loads((folder / "card.json").read_text()) | {"name": "guest"}
    return json.dumps(card).encode(), (folder / "weights.safetensors").read_bytes()


def test_names_in_a_zip_never_become_paths(store, tmp_path, parts):
    card, weights = parts
    for i, folder in enumerate(("../../", "/etc/", "C:\\up\\", "a/../../b/", "", "deep/er/")):
        hostile = packed(
            tmp_path / f"{i}.zip",
            [
                (f"{folder}card.json", card),
                (f"{folder}weights.safetensors", weights),
                ("../evil.txt", b"evil"),
                (f"{folder}weights.pt", pickle.dumps(print)),
            ],
        )
        before = {path for path in tmp_path.rglob("*") if store.user not in path.parents}
        if "\\" in folder:  # one strange name, and no model
            with pytest.raises(ModelFileError, match="no model"):
                import_model(hostile)
            continue
        assert import_model(hostile, overwrite=True) == "guest"
        assert {path for path in tmp_path.rglob("*") if store.user not in path.parents} == before
        guest = store.user / "guest"
        assert sorted(path.name for path in guest.iterdir()) == ["card.json", "weights.safetensors"]
    assert not Path("/etc/card.json").exists()
    assert sorted(path.name for path in store.user.iterdir()) == ["guest", "tiny"]


def test_what_is_refused_leaves_nothing(store, tmp_path, parts, monkeypatch):
    card, weights = parts
    changed = json.loads(card)
    cases = {
        "no model in this file": [("readme.txt", b"")],
        "2 models": [("a/card.json", card), ("b/card.json", card)],
        "name: String should match": [("card.json", json.dumps(changed | {"name": "../up"}))],
        "cannot be read as JSON": [("card.json", b"\x80\x04.")],
        "there is no network 'os.system'": [
            ("card.json", json.dumps(changed | {"network": "os.system"})),
            ("weights.safetensors", weights),
        ],
        "sf-net cannot be built with width='wide'": [
            ("card.json", json.dumps(changed | {"network_config": {"width": "wide"}})),
            ("weights.safetensors", weights),
        ],
        "cannot be read": [("card.json", card)],
        "the weights are not those of the card": [("card.json", card), ("weights.safetensors", weights[:-1] + b"x")],
        "tensors differ": [
            ("card.json", json.dumps(changed | {"network_config": changed["network_config"] | {"width": 100_000}})),
            ("weights.safetensors", weights),
        ],
        "needs weights": [("card.json", json.dumps(changed | {"weights_sha256": None}))],
    }
    for said, files in cases.items():
        with pytest.raises(ModelError, match=said) as caught:
            import_model(packed(tmp_path / "bad.zip", files))
        assert ".import-" not in str(caught.value)
        assert [path.name for path in store.user.iterdir()] == ["tiny"], said
    with pytest.raises(ModelVersionError):
        import_model(packed(tmp_path / "bad.zip", [("card.json", json.dumps(changed | {"card_version": 99}))]))
    monkeypatch.setattr(transfer_module, "_LARGEST_CARD", 100)
    with pytest.raises(ModelFileError, match="more than 100 bytes"):
        import_model(packed(tmp_path / "bad.zip", [("card.json", card)]))
    assert [path.name for path in store.user.iterdir()] == ["tiny"]


def test_a_pickle_is_never_opened(store, tmp_path, parts):
    import hashlib

    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "boom",)

    content = pickle.dumps(Bomb())
    card = json.loads(parts[0]) | {"weights_sha256": hashlib.sha256(content).hexdigest()}
    bad = packed(tmp_path / "bad.zip", [("card.json", json.dumps(card)), ("weights.safetensors", content)])
    with pytest.raises(WeightsError, match="no safetensors file"):
        import_model(bad)
    assert not (tmp_path / "boom").exists()


def test_files_that_are_no_models(store, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "cut.zip").write_bytes(export_model("tiny", tmp_path / "t.zip").read_bytes()[:-40])
    (tmp_path / "empty").mkdir()
    for name, said in {
        "a.txt": "neither a model's folder nor a zip file",
        "none.zip": "no such file",
        "cut.zip": "neither a model's folder nor a zip file",
        "empty": "no card.json",
    }.items():
        with pytest.raises(ModelError, match=said):
            import_model(tmp_path / name)
    damaged = bytearray((tmp_path / "t.zip").read_bytes())
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "damaged.zip").write_bytes(bytes(damaged))
    with pytest.raises(ModelError):
        import_model(tmp_path / "damaged.zip", name="other")
    assert [path.name for path in store.user.iterdir()] == ["tiny"]


def test_where_nothing_may_be_exported_to(store, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me")
    for overwrite in (False, True):
        with pytest.raises(ModelExistsError):
            export_model("tiny", mine, overwrite=overwrite)
    with pytest.raises(ModelFileError, match="does not exist"):
        export_model("tiny", tmp_path / "nowhere" / "t.zip")
    assert (mine / "letter.txt").read_text() == "keep me"
    (store.user / "tiny" / "weights.safetensors").write_bytes(save({"a": torch.zeros(1)}))
    with pytest.raises(WeightsError):
        export_model("tiny", tmp_path / "t.zip")
    assert not (tmp_path / "t.zip").exists()
    shutil.rmtree(store.user)
    assert import_model(export_model("otsu", tmp_path / "o.zip"), name="first") == "first"


@pytest.mark.parametrize("name", ["t.zip", "t"])
def test_a_full_disk_names_what_was_to_be_written(store, tmp_path, monkeypatch, name):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    monkeypatch.setattr(shutil, "copyfile", full)
    before = set(tmp_path.iterdir())
    with pytest.raises(ModelFileError, match=rf"{name}: the model could not be written \(No space left"):
        export_model("tiny", tmp_path / name)
    assert set(tmp_path.iterdir()) == before
