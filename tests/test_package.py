"""The package as a whole: light to import, complete when built, and with clean requirements."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import napari_unets

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "napari", "zarr", "dask", "qtpy", "skimage", "numba", "numpy")

with (ROOT / "pyproject.toml").open("rb") as file:
    PROJECT = tomllib.load(file)["project"]


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_loads_nothing_heavy():
    loaded = run_python("import sys, napari_unets; print(*sys.modules)").split()
    assert not set(HEAVY) & set(loaded)


def test_import_takes_less_than_300_ms():
    # Time of the processor: the clock on the wall also counts what else the machine does.
    code = "import time; start = time.process_time(); import napari_unets; print(time.process_time() - start)"
    assert min(float(run_python(code)) for _ in range(3)) < 0.3


def test_every_promised_name_is_there():
    for name in napari_unets.__all__:
        assert getattr(napari_unets, name) is not None
    assert napari_unets.__version__ == metadata.version("napari-unets") == PROJECT["version"]


def test_help_is_quick_and_without_torch():
    code = (
        "import sys, time\n"
        "import napari_unets.cli as cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = [name for name in ('torch', 'numpy', 'napari') if name in sys.modules]\n"
        "print(time.process_time(), *heavy)"
    )
    seconds, *heavy = zip(*(run_python(code).splitlines()[-1].split() for _ in range(3)), strict=True)
    assert not heavy
    assert min(map(float, seconds)) < 0.5


def test_commands_load_no_more_than_they_need():
    # Half a second and more each, of every command and of every worker process.
    plan = "napari_unets.cli.batch, napari_unets.jobs.batch.making_volume"
    never = {"scipy.ndimage", "scipy.optimize", "skimage.segmentation"}
    for modules, heavy in (
        (plan, {"torch", "numba"}),
        ("napari_unets.inference.running", {"numba"}),
        ("napari_unets.metrics", {"torch"}),
    ):
        loaded = set(run_python(f"import sys, {modules}; print(*sys.modules)").split())
        assert not loaded & (heavy | never)


def test_base_requires_neither_napari_nor_qt_and_nothing_has_an_upper_cap():
    base = {Requirement(text).name.lower() for text in PROJECT["dependencies"]}
    assert not base & {"napari", "qtpy", "pyqt5", "pyqt6", "pyside2", "pyside6", "magicgui", "superqt"}
    extras = PROJECT["optional-dependencies"]
    gui = {Requirement(text).name.lower() for text in extras["gui"]}
    assert not gui & {"pyqt5", "pyqt6", "pyside2", "pyside6"}
    for text in [*PROJECT["dependencies"], *(text for extra in extras.values() for text in extra)]:
        assert not re.search(r"<|==|~=", text), f"{text} has an upper cap"


@pytest.mark.slow
def test_the_wheel_holds_models_and_manifest(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    for part in (ROOT / "napari_unets" / "models" / "bundled").rglob("*.*"):
        assert str(part.relative_to(ROOT)) in files
    assert "napari_unets/models/bundled/em-membranes/card.json" in files
    assert "napari_unets/napari.yaml" in files
    assert "napari_unets/py.typed" in files
    assert any(name.endswith("licenses/LICENSE") for name in files)


def test_the_manifest_at_the_top_is_the_packages_own():
    assert (ROOT / "napari.yaml").resolve() == ROOT / "napari_unets" / "napari.yaml"
