"""Cards, weights and the store."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from napari_unets.models import (
    ClassInfo,
    Model,
    ModelCard,
    ModelCardError,
    ModelExistsError,
    ModelFileError,
    ModelStore,
    ModelVersionError,
    NotAModelError,
    Score,
    TrainingRecord,
    UnknownModelError,
    WeightsError,
    load_model,
    model_name,
    save_model,
)
from napari_unets.models.store import BUNDLED, user_models_folder
from napari_unets.networks import Network, create_network


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return create_network("sf-net", width=4, narrow=4, depth=1).eval()


def make_card(name: str = "tiny", **changes) -> ModelCard:
    fields = {
        "name": name,
        "title": "Tiny",
        "summary": "For tests",
        "network": "sf-net",
        "network_config": {"in_channels": 1, "out_channels": 1},
        "classes": [
            ClassInfo(id=1, name="membrane", color="#ff0000"),
            ClassInfo(id=2, name="cell", color="#00ff00"),
        ],
        "halo": 16,
        "weights_sha256": "0" * 64,
        "licence": "BSD-3-Clause",
    }
    return ModelCard(**(fields | changes))


@pytest.fixture
def store(tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(tmp_path))
    save_model(network, make_card(), tmp_path / "tiny")
    return ModelStore()


def edit_card(store: ModelStore, **changes) -> None:
    path = store.user / "tiny" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_saved_model_loads_with_the_same_output(store: ModelStore, network: Network) -> None:
    x = torch.rand(1, 1, 16, 16)
    loaded = load_model("tiny")
    assert loaded.card.network_config == network.config
    # float16 storage: about three digits
    torch.testing.assert_close(loaded.network(x), network(x), atol=5e-3, rtol=5e-3)
    assert not loaded.network.training


def test_loads_from_a_folder(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_model(store.user / "tiny").name == "tiny"
    monkeypatch.chdir(store.user)
    assert load_model("./tiny").name == "tiny"


def test_unknown_name_lists_the_models_and_the_nearest(store: ModelStore) -> None:
    with pytest.raises(UnknownModelError, match="Did you mean 'tiny'"):
        load_model("tinny")


@pytest.mark.parametrize("given", [None, 3, b"otsu", create_network("otsu")])
def test_what_is_no_name_is_no_model(given: object) -> None:
    with pytest.raises(NotAModelError, match=f"by its name or the path of its .* {type(given).__name__}"):
        load_model(given)


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="no such folder"):
        load_model(tmp_path / "nothing")


def test_folder_without_card(tmp_path: Path) -> None:
    with pytest.raises(ModelCardError, match="no model folder"):
        load_model(tmp_path)


def test_damaged_weights(store: ModelStore) -> None:
    path = store.user / "tiny" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="damaged or was replaced"):
        _ = load_model("tiny").network


def test_missing_weights(store: ModelStore) -> None:
    (store.user / "tiny" / "weights.safetensors").unlink()
    with pytest.raises(WeightsError, match="missing"):
        load_model("tiny")


def test_weights_of_another_network(store: ModelStore) -> None:
    config = json.loads((store.user / "tiny" / "card.json").read_text())["network_config"]
    edit_card(store, network_config=config | {"width": 8})
    with pytest.raises(WeightsError, match="do not fit"):
        _ = load_model("tiny").network


def test_card_of_a_newer_version(store: ModelStore) -> None:
    edit_card(store, card_version=2, something_new=1)
    with pytest.raises(ModelVersionError, match="version 2"):
        load_model("tiny")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 2}, "threshold"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"classes": [{"id": 1, "name": "a", "color": "#000000"}]}, "ids 1 to 2"),
        ({"weights_sha256": "short"}, "weights_sha256"),
    ],
)
def test_invalid_card_names_the_field(store: ModelStore, change: dict, message: str) -> None:
    edit_card(store, **change)
    with pytest.raises(ModelCardError, match=message):
        load_model("tiny")


def test_card_that_is_no_json(store: ModelStore) -> None:
    (store.user / "tiny" / "card.json").write_text("{")
    with pytest.raises(ModelCardError, match="JSON"):
        load_model("tiny")
    cards, broken = store.list()
    assert "tiny" not in cards
    assert isinstance(broken["tiny"], ModelCardError)


def test_list_and_remove(store: ModelStore) -> None:
    cards, broken = store.list()
    assert cards["tiny"].title == "Tiny"
    assert not broken
    store.remove("tiny")
    assert "tiny" not in store.list()[0]


def test_bundled_models_stay(tmp_path: Path, network: Network) -> None:
    save_model(network, make_card(), tmp_path / "bundled" / "tiny")
    store = ModelStore(user=tmp_path / "user", bundled=tmp_path / "bundled")
    with pytest.raises(ModelExistsError, match="ships with"):
        store.remove("tiny")


def test_existing_model_is_not_overwritten_unasked(store: ModelStore, network: Network) -> None:
    with pytest.raises(ModelExistsError, match=r"exists already.*\(overwrite=True; in the shell --overwrite\)"):
        save_model(network, make_card(), store.user / "tiny")
    save_model(network, make_card(title="Second"), store.user / "tiny", overwrite=True)
    assert load_model("tiny").card.title == "Second"
    assert [p.name for p in store.user.iterdir()] == ["tiny"]


@pytest.mark.parametrize("when", ["writing", "moving"])
def test_a_model_that_cannot_be_written_leaves_the_one_before(
    store: ModelStore, network: Network, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    before = {file.name: file.read_bytes() for file in store.folder("tiny").iterdir()}
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write_text(*_: object, **__: object) -> None:
        raise full

    def replace(self: Path, target: Path, real: Callable[[Path, Path], Path] = Path.replace) -> Path:
        if target.name == "tiny" and (self / "weights.safetensors").stat().st_ino != old:
            raise full
        return real(self, target)

    old = (store.folder("tiny") / "weights.safetensors").stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", write_text) if when == "writing" else patch.setattr(Path, "replace", replace)
        with pytest.raises(ModelFileError, match=r"tiny: the model could not be written \(No space left"):
            save_model(network, store.load("tiny").card, store.folder("tiny"), overwrite=True)
    assert {file.name: file.read_bytes() for file in store.folder("tiny").iterdir()} == before
    assert [path.name for path in store.user.iterdir()] == ["tiny"]


def test_other_folders_are_never_replaced(tmp_path: Path, network: Network) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data.txt").write_text("mine")
    with pytest.raises(ModelExistsError, match="something else"):
        save_model(network, make_card(), tmp_path / "precious", overwrite=True)
    assert (tmp_path / "precious" / "data.txt").read_text() == "mine"


def test_user_folder_is_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAPARI_UNETS_MODELS", raising=False)
    assert user_models_folder().parts[-2:] == ("napari-unets", "models")


def test_listing_models_loads_no_torch() -> None:
    code = "import sys, napari_unets.models as m; m.ModelStore().list(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0


@pytest.mark.parametrize("name", [f.name for f in sorted(BUNDLED.iterdir())] if BUNDLED.is_dir() else [])
def test_bundled_model_is_whole(name: str) -> None:
    model = ModelStore(user=Path("nowhere")).load(name)
    assert model.name == name
    assert (model.network.n_parameters > 0) == model.network.has_weights
    assert model.card.scores
    assert model.card.licence


def test_models_are_listed_by_what_they_are_for(tmp_path: Path, network: Network) -> None:
    bundled, user = tmp_path / "bundled", tmp_path / "user"
    formula = create_network("otsu")
    for folder, name, task, what in (
        (bundled, "a-formula", "em", formula),
        (bundled, "b-ink", "document", network),
        (bundled, "c-cells", "em", network),
        (user, "d-own", "em", network),
    ):
        save_model(what, make_card(name, task=task), folder / name)
    assert list(ModelStore(user=user, bundled=bundled).list()[0]) == ["c-cells", "b-ink", "a-formula", "d-own"]


def test_what_is_undefined_is_not_on_the_card(network: Network, tmp_path: Path) -> None:
    undefined = {"step": 5.0, "dice": math.nan, "psnr": math.inf}
    scores = [Score(data="pages", values=undefined)]
    card = make_card(training=TrainingRecord(history=[undefined]), scores=scores)
    read = load_model(save_model(network, card, tmp_path / "m")).card
    assert read.training is not None
    assert read.training.history == [read.scores[0].values] == [{"step": 5.0}]


def test_a_card_of_undefined_scores_is_read(network: Network, tmp_path: Path) -> None:
    """Earlier versions wrote null."""
    card = make_card(scores=[Score(data="pages", values={"dice": 0.5, "psnr": 1.0})])
    path = save_model(network, card, tmp_path / "m") / "card.json"
    path.write_text(path.read_text().replace('"psnr": 1.0', '"psnr": null'))
    assert load_model(tmp_path / "m").card.scores[0].values == {"dice": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e6])
def test_weights_that_are_no_numbers_are_not_saved(network: Network, tmp_path: Path, value: float) -> None:
    with torch.no_grad():
        next(network.parameters()).view(-1)[0] = value
    with pytest.raises(WeightsError, match="no numbers, or too large for 16 bits"):
        save_model(network, make_card(), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_file_is_not_replaced_by_a_model(tmp_path: Path, network: Network) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ModelExistsError, match="something else"):
        save_model(network, make_card(), tmp_path / "precious.txt", overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_a_name_is_made_of_any_text() -> None:
    assert model_name("My membranes, 2nd try!") == "my-membranes-2nd-try"
    assert model_name("Zellwände, größer") == "zellwande-grosser"
    assert model_name("… ") == "model"
    assert [model_name(name) for name in ("CON", "nul.2", "console")] == ["model-con", "model-nul.2", "console"]
    assert model_name("a" * 100) == "a" * 80


@pytest.fixture
def locked(store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A folder of models that nobody may look into; root may, so that it is played."""
    shared = ModelStore(user=tmp_path / "shared")

    def refusing(function: Callable) -> Callable:
        def refused(path, *args, **kwargs):
            if isinstance(path, str | Path) and shared.user in (Path(path), *Path(path).parents):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return function(path, *args, **kwargs)

        return refused

    shared.user.mkdir()
    for name in ("stat", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(shared.user))
    return shared


def test_models_that_may_not_be_read_do_not_take_the_bundled_ones_along(locked: ModelStore, network: Network) -> None:
    with pytest.raises(PermissionError):
        locked.user.is_dir()
    assert load_model("otsu").name == "otsu"
    assert {"em-membranes", "document-ink"} <= set(locked.list()[0])
    with pytest.raises(UnknownModelError, match=r"shared: your models cannot be listed \(Permission denied\); see to"):
        load_model("mine")
    with pytest.raises(UnknownModelError, match="there is no such folder, or it may not be read"):
        load_model(locked.user / "mine")
    with pytest.raises(ModelFileError, match=r"mine: the model could not be written \(Permission denied\)"):
        save_model(network, make_card(), locked.place_for("mine"))


def test_a_file_in_the_place_of_the_models_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    assert "your models cannot be listed (Not a directory)" in ModelStore(user=tmp_path / "models").trouble
    assert not ModelStore(user=tmp_path / "none yet").trouble


def test_what_is_no_network_with_its_card_is_not_saved(tmp_path: Path, network: Network) -> None:
    model = Model(make_card(), network=network)
    for wrong in ((model, model.card), (model.card, network), (network, None)):
        with pytest.raises(NotAModelError, match=r"save_model\(model\.network, model\.card, folder\)"):
            save_model(*wrong, tmp_path / "new")
    three = create_network("sf-net", out_channels=3, width=4, narrow=4, depth=1)
    with pytest.raises(ModelCardError, match="new: the card does not fit this network: card: classes must"):
        save_model(three, make_card(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_model_is_saved_under_the_home_folder(
    tmp_path: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert save_model(network, make_card(), "~/mine") == tmp_path / "mine"
    assert load_model("~/mine").name == "tiny"


@pytest.mark.parametrize("name", ["../x", "", ".", "..", "a/b"])
def test_a_model_is_made_in_the_folder_of_models_only(tmp_path: Path, name: str) -> None:
    store = ModelStore(user=str(tmp_path))
    with pytest.raises(ModelCardError, match="is no name of a model, whose folder is to be in"):
        store.place_for(name)
    assert store.place_for("x") == tmp_path / "x"


def test_a_file_of_a_model_is_not_the_model(store: ModelStore) -> None:
    with pytest.raises(UnknownModelError, match=r"card\.json: is a file, and a model is the folder with its"):
        load_model(store.user / "tiny" / "card.json")
