"""Every command in the README and the documentation works as it stands there.

A code block (bash or python) follows one of two marks: ``<!-- run -->``, and it is run here, in order and in one folder
for all pages, a command that stands on several pages once; or ``<!-- not run: REASON -->``. Bash blocks without a
mark hold what .ci/run itself calls.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from napari_unets.images import as_stack, open_stack, save_stack

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*?) -->\n+)?```(?P<language>bash|python)\n(?P<code>.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


class Block(NamedTuple):
    mark: str | None
    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found.group("mark", "language", "code")) for found in BLOCK.finditer(page.read_text("utf-8"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a block; what was run before is left out of it."""
    folder = tmp_path_factory.mktemp("docs")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    environment["NAPARI_UNETS_MODELS"] = str(folder / "models")
    before = set()

    def run_block(block: Block) -> None:
        parts = block.code.splitlines() if block.language == "bash" else [block.code]
        start = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        for part in parts:
            command = part.partition("  #")[0].strip() if block.language == "bash" else part
            if command and command not in before:
                done = subprocess.run([*start, command], cwd=folder, env=environment, capture_output=True, text=True)
                assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
                before.add(command)
                if command.startswith("napari-unets demo"):
                    make_small(folder / "demo")

    return run_block


def make_small(demo: Path) -> None:
    """Leave an eighth of the demo's sections: thirty commands after it read them, on one core each."""
    for file in ("image.tif", "truth.tif", "segmentation.tif"):
        with open_stack(demo / file) as whole:
            part = as_stack(np.asarray(whole)[:2, 128:384, 128:384], voxel_size_nm=whole.voxel_size_nm)
        save_stack(demo / file, part, overwrite=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)  # a page has many commands, each a process of its own
@pytest.mark.parametrize("page", [p for p in PAGES if any(b.mark == "run" for b in blocks(p))], ids=name)
def test_commands_run(page, run):
    for block in blocks(page):
        if block.mark == "run":
            run(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_run_or_says_why_not(page):
    run_by_ci = set(re.findall(r"\bmake \w+", (ROOT / ".ci" / "run").read_text("utf-8")))
    for block in blocks(page):
        if block.mark is None and block.language == "bash":
            commands = [line.partition("#")[0].strip() for line in block.code.splitlines() if line.strip()]
            assert set(commands) <= run_by_ci, f"nothing runs {block.code!r}; mark it"
        else:
            assert block.mark is not None, f"nothing runs {block.code!r}; mark it"
            assert block.mark == "run" or block.mark.startswith("not run: "), block.mark


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{name(page)} links to {target}, which is not there"
