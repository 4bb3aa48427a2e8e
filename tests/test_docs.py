"""Every command in the README and the documentation works as it stands there.

A code block (bash or python) follows one of two marks: ``<!-- run -->``, and it is run here, in order and in one folder
for all pages, a command that stands on several pages once; or ``<!-- not run: REASON -->``. Bash blocks without a
mark hold what .ci/run itself calls.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tests_support import run_program

from napari_unets.images import as_stack, open_stack, save_stack

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^\n]*?) -->\n+)?```(?P<language>bash|python)\n(?P<code>.*?)```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

#: What the commands import when they are called, and what these modules themselves put off.
IMPORTED = [
    *("napari_unets.cli", "napari_unets.cli.batch", "napari_unets.cli.pairing", "napari_unets.cli.fine_tune"),
    *("napari_unets.inference.predictor", "napari_unets.inference.instances", "napari_unets.inference.linking"),
    *("napari_unets.learning.fine_tuning", "napari_unets.jobs.volumes.in_process", "napari_unets.metrics.evaluation"),
    *("napari_unets.inference.quiet_openvino", "torch", "zarr", "numba.np.arraymath"),
    *("skimage.segmentation", "skimage.measure", "scipy.ndimage"),
]


class Block(NamedTuple):
    mark: str | None
    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found.group("mark", "language", "code")) for found in BLOCK.finditer(page.read_text("utf-8"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def without_shell(command: str) -> list[str] | None:
    """Return the arguments of a `napari-unets` that needs no shell, or None."""
    if not command.startswith("napari-unets ") or "--workers" in command:  # whose processes import the main module
        return None
    signs = "|&;<>()$`*?[]{}~#"
    words = shlex.shlex(command, posix=True, punctuation_chars=signs)
    words.whitespace_split = True
    arguments = list(words)[1:]
    return None if any(set(word) <= set(signs) for word in arguments) else arguments


@pytest.fixture(scope="module")
def forks():
    """Context whose processes begin with what the commands import: most of what a short command takes."""
    if "forkserver" not in multiprocessing.get_all_start_methods():  # Windows
        return None
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context


@pytest.fixture(scope="module")
def run(tmp_path_factory, forks):
    """Runs a block; what was run before is left out of it."""
    folder = tmp_path_factory.mktemp("docs")
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    environment["NAPARI_UNETS_MODELS"] = str(folder / "models")
    before = set()
    programs = set()

    def run_command(language: str, command: str) -> tuple[int | None, str]:
        program = " ".join(command.split()[:2]) if language == "bash" else language
        todo = without_shell(command) if language == "bash" else command
        if forks and todo and program in programs:
            printed = folder / "printed.txt"
            process = forks.Process(target=run_program, args=(todo, folder, environment, printed))
            process.start()
            process.join()
            return process.exitcode, printed.read_text("utf-8")
        programs.add(program)  # each once as it is installed
        start = ["bash", "-euo", "pipefail", "-c"] if language == "bash" else [sys.executable, "-c"]
        done = subprocess.run([*start, command], cwd=folder, env=environment, capture_output=True, text=True)
        return done.returncode, f"{done.stdout}\n{done.stderr}"

    def run_block(block: Block) -> None:
        for part in block.code.splitlines() if block.language == "bash" else [block.code]:
            command = part.partition("  #")[0].strip() if block.language == "bash" else part
            if command and command not in before:
                code, said = run_command(block.language, command)
                assert code == 0, f"{command}\n{said}"
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
    for file, heading in LINK.findall(page.read_text("utf-8")):
        target = page.parent / file if file else page
        assert target.exists(), f"{name(page)} links to {file}, which is not there"
        if heading:
            assert heading in anchors(target), (
                f"{name(page)} links to {heading} in {name(target.resolve())}, which has none"
            )


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links: lower case, without signs, blanks as dashes."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in HEADING.findall(text)}
