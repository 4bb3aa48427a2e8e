"""``napari-unets demo``: sample stack → segmentation → scores → picture, in a window if there can be one."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from napari_unets.cli.demo_files import DEMO_MODEL, DemoFiles
from napari_unets.cli.display import has_display, virtual_display
from napari_unets.cli.terminal import note, print_table

__all__ = ["demo"]


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for what the demo writes.")
    ] = Path("napari-unets-demo"),
    headless: Annotated[
        bool, typer.Option("--headless", help="Open no window on this desktop; end when the files are written.")
    ] = False,
) -> None:
    """Segment a sample EM stack with the bundled model, in napari."""
    files = DemoFiles(output)
    output.mkdir(parents=True, exist_ok=True)
    files.write_sample()
    if has_display() and not headless:
        note(f"Opening napari; the results are written to {output}.")
        problem = _show_window(files, dict(os.environ), stay=True)
    else:
        problem = _show_virtual_window(files)
    if problem is not None:
        note(f"No picture of napari's window: {problem}. Going on without a window.")
        _run_without_window(files)
    _print_scores(files)


def _show_virtual_window(files: DemoFiles) -> str | None:
    with virtual_display() as environment:
        if environment is None:
            return "there is no display, and no Xvfb to stand in for it (Debian and Ubuntu: apt-get install xvfb)"
        return _show_window(files, environment, stay=False)


def _show_window(files: DemoFiles, environment: dict[str, str], *, stay: bool) -> str | None:
    """Run the demo in napari, in a process of its own; returns what kept it from it, or None."""
    if find_spec("napari") is None:
        return "napari is not installed (pip install 'napari-unets[all]')"
    # A process, because a missing driver makes Qt end the whole of it, and the commands stay free of Qt.
    command = _command(files, stay=stay)
    done = subprocess.run(command, env=environment, stderr=None if stay else subprocess.PIPE, text=True)  # noqa: S603
    if done.returncode == 0:
        return None
    said = (done.stderr or "").strip().splitlines()
    return said[-1] if said else f"napari ended with code {done.returncode}"


def _command(files: DemoFiles, *, stay: bool) -> list[str]:
    return [sys.executable, "-m", "napari_unets.widgets.demo", str(files.folder), *([] if stay else ["--close"])]


def _run_without_window(files: DemoFiles) -> None:
    from napari_unets.cli.picture import save_picture
    from napari_unets.images import open_stack
    from napari_unets.inference import segment
    from napari_unets.models import load_model

    model = load_model(DEMO_MODEL)
    with open_stack(files.image) as image:
        labels = segment(model, image)
        files.write_result(labels, model)
        save_picture(files.screenshot, image.plane(0), labels[0], model.card.classes)


def _print_scores(files: DemoFiles) -> None:
    if files.scores.exists():
        scores = files.read_scores()
        print_table(["score", DEMO_MODEL], [[name, f"{value:.4f}"] for name, value in scores.items()], align="right")
    note(f"Written to {files.folder}: {', '.join(path.name for path in files.written())}")
