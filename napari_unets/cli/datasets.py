"""``napari-unets datasets``: what the recipes learn from, where it comes from, and on what terms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unets.cli.terminal import note, print_json, print_table

__all__ = ["datasets"]

datasets = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a dataset.")]
_Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the data.")]


@datasets.callback()
def _datasets(context: typer.Context, as_json: _AsJson = False) -> None:
    """List the datasets of the recipes, show one, download one, or arrange the DIBCO contests' folders."""
    if context.invoked_subcommand is None:
        list_datasets(as_json=as_json)


@datasets.command("list")
def list_datasets(as_json: _AsJson = False) -> None:
    """List the datasets that recipes are made for."""
    from dataclasses import asdict

    from napari_unets.learning.datasets import DATASETS

    if as_json:
        print_json([asdict(one) for one in DATASETS])
        return
    rows = [[one.name, one.title, "yes" if one.files else "by hand", ", ".join(one.recipes)] for one in DATASETS]
    print_table(["dataset", "what", "download", "recipes"], rows)


@datasets.command("show")
def show_dataset(name: _Name) -> None:
    """Show a dataset's terms, its source, and how it lies on disk."""
    from napari_unets.learning.datasets import dataset

    one = dataset(name)
    how = one.how or f"napari-unets datasets download {one.name} --output DIR"
    lines = [
        ["what", one.title],
        ["terms", one.terms],
        ["page", one.page],
        ["cite", one.citation],
        ["how to get it", how],
        ["on disk", one.layout],
        ["recipes", ", ".join(one.recipes)],
    ]
    print_table(["dataset", one.name], lines)


@datasets.command("download")
def download_dataset(name: _Name, output: _Output) -> None:
    """Download a dataset that is free to download, check it, and unpack it."""
    from napari_unets.learning.datasets import dataset, download

    one = dataset(name)
    note(f"{one.title}. Terms: {one.terms}. See {one.page}. Cite: {one.citation}.")
    download(one, output, on_file=lambda file: note(f"downloading {file}"))
    note(f"The data are in {output}.")


@datasets.command("arrange")
def arrange_dataset(
    name: Annotated[str, typer.Argument(metavar="dibco", help="The dataset; only dibco needs it.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds one folder for each year, as unpacked.")],
    output: _Output,
) -> None:
    """Copy the DIBCO contests' pages to the one layout that the recipes expect."""
    from napari_unets.learning.datasets import DatasetError
    from napari_unets.learning.datasets.documents import arrange_dibco

    if name != "dibco":
        raise DatasetError(f"{name} need not be arranged; only dibco does")
    note(f"{len(arrange_dibco(folder, output))} pages are in {output}.")
