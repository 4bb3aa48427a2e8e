"""What the widgets' tests share: a store with one quick model, and images of every kind."""

from __future__ import annotations

import contextlib
import gc
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tests_support import card_of

from napari_unets.models import ClassInfo, ModelCard, load_model, save_model
from napari_unets.networks import create_network
from napari_unets.widgets.parts.session import close_worker, shared_worker

# A part of torch's CUDA builds: loaded into a process that already draws with Mesa's software OpenGL, it crashes. Here
# tests that train share a process with those of windows; napari's own process never imports torch.
with contextlib.suppress(ImportError):
    import triton  # noqa: F401


def save_tiny_model(folder: Path, name: str, classes: int) -> ModelCard:
    """Save an SF-Net of width 8 with fixed weights and return its card."""
    torch.manual_seed(3)
    colours = ("#e4572e", "#4fa3d1", "#7fb069", "#b07fc0")
    network = create_network("sf-net", out_channels=1 if classes == 2 else classes, width=8, narrow=4, depth=2)
    card = card_of(
        network,
        name=name,
        title=f"The {name} model",
        summary="Quick and knows nothing.",
        classes=[ClassInfo(id=i + 1, name=f"kind {i + 1}", color=colours[i]) for i in range(classes)],
        halo=16,
    )
    save_model(network, card, folder / name)
    return card


@pytest.fixture(scope="session")
def _worker_to_the_end() -> Iterator[None]:
    yield
    close_worker()


@pytest.fixture(scope="module")
def one_worker(_worker_to_the_end) -> None:
    """The worker process, which takes seconds to import torch: one for all tests of all files that say so."""
    shared_worker()


@pytest.fixture(scope="module", autouse=True)
def _imported_modules_are_no_garbage() -> None:
    """Leave what is alive by now out of every later collection: napari's viewer fixture makes two of them a test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _shared_store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    save_tiny_model(folder, "tiny", 2)
    return folder


@pytest.fixture
def store(_shared_store, monkeypatch) -> Path:
    """The user's models folder, with the model ``tiny``; the same for all tests, so that the worker keeps the model."""
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(_shared_store))
    return _shared_store


@pytest.fixture
def own_store(store, tmp_path, monkeypatch) -> Path:
    """A copy of the models folder that the test may change."""
    folder = tmp_path / "models"
    shutil.copytree(store, folder)
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(folder))
    return folder


@pytest.fixture
def make_model(own_store) -> Callable[..., ModelCard]:
    """Save another model in the test's own store: ``make_model(name, classes=2)``."""
    return lambda name, classes=2: save_tiny_model(own_store, name, classes)


@pytest.fixture
def tiny_card(store) -> ModelCard:
    """Card of the model ``tiny``."""
    return load_model("tiny").card
