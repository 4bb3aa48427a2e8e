"""What the commands write to the terminal: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import typer

__all__ = ["Report", "note", "print_json", "print_table", "progress_bar", "told"]

#: Tells a progress bar ``(done, total)``.
Report = Callable[[float, float], None]


def note(message: str) -> None:
    """Say something to the person at the terminal, without disturbing what is piped from stdout."""
    typer.echo(message, err=True)


@contextmanager
def told(kind: type[Warning]) -> Iterator[None]:
    """Say warnings of a kind to the person at the terminal, in their own words alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", kind)
        warnings.showwarning = lambda message, *_args, **_more: note(f"warning: {message}")
        yield


def print_json(value: Any) -> None:
    """Print one JSON value."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(columns: list[str], rows: list[list[str]], *, align: Literal["left", "right"] = "left") -> None:
    """Print a table for people to stdout; ``align`` is for all columns but the first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify=align if i else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # as it stands: names of files may have brackets
    # In a file or a pipe nothing has to be squeezed into a window's width.
    console = Console(width=None if sys.stdout.isatty() else 1000)
    console.print(table)


def _be_silent(_done: float, _total: float) -> None:
    pass


@contextmanager
def progress_bar(description: str) -> Iterator[Report]:
    """Show a progress bar on stderr, if that is a terminal; otherwise nothing.

    Yields
    ------
    callable
        To be told how much of how much is done.
    """
    one_of_several = os.environ.get("RANK", "0") != "0"  # of those that torchrun has started, the first one tells
    if one_of_several or not sys.stderr.isatty():
        yield _be_silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
