"""The program's commands and its exit codes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from io import TextIOWrapper
from itertools import pairwise
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from napari_unets.cli.datasets import datasets
from napari_unets.cli.demo import demo
from napari_unets.cli.doctor import doctor
from napari_unets.cli.evaluate import evaluate
from napari_unets.cli.fine_tune import fine_tune
from napari_unets.cli.interrupts import interrupts_arrive
from napari_unets.cli.models import models
from napari_unets.cli.segment import segment
from napari_unets.cli.terminal import note
from napari_unets.cli.train import train
from napari_unets.errors import NapariUnetsError

__all__ = ["app", "main"]


class _Program(TyperGroup):
    """The commands, none of which takes an empty argument: a path that is empty would be the current folder.

    Shells replace ``~`` neither in ``--output=~/results``, nor in quotes, nor on Windows.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse what a shell makes of a variable that is not set, and know the home folder."""
        for before, argument in pairwise(["napari-unets", *args]):
            if not argument or re.fullmatch(r"--[a-z-]+=", argument):
                place = argument.rstrip("=") or before
                ctx.fail(f"the argument after {place!r} is empty; is a variable of the shell not set?")
        return super().parse_args(ctx, [_HOME.sub(_home, argument) for argument in args])


_HOME = re.compile(r"^(--[a-z-]+=)?~(?=[/\\]|$)")


def _home(match: re.Match[str]) -> str:
    return (match[1] or "") + os.path.expanduser("~")  # noqa: PTH111 - the same, where there is no home


app = typer.Typer(
    name="napari-unets",
    cls=_Program,
    help="Segment EM stacks and document scans with the U-Net family, and score the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-unets {metadata.version('napari-unets')}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command("demo")(demo)
app.command("segment")(segment)
app.command("evaluate")(evaluate)
app.command("fine-tune")(fine_tune)
app.command("train")(train)
app.add_typer(models, name="models")
app.add_typer(datasets, name="datasets")
app.command("doctor")(doctor)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process.

    Exit codes: 0; 1 after an error that the user can mend, with one line on stderr; 2 after a wrong usage;
    130 after Ctrl-C, 143 after SIGTERM. A programming error ends in a traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        Instead of ``sys.argv[1:]``.
    """
    # A stream that the shell has closed (``>&-``) is None, which not everything that prints can do without.
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":  # names of files may be no text
            stream.reconfigure(errors="backslashreplace")
    try:
        with interrupts_arrive():
            app(args=arguments, prog_name="napari-unets")
        sys.exit(0)
    except NapariUnetsError as error:
        _fail(str(error))
    except OSError as error:
        # The system's own word: no such file, no right to write, no space left.
        where = f"{error.filename}: " if error.filename else ""
        _fail(where + (error.strerror or str(error)))


def _fail(message: str) -> NoReturn:
    note("napari-unets: " + " ".join(message.split()))
    sys.exit(1)
