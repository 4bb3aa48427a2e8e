"""``napari-unets models``: listed, shown, made, exchanged, renamed and removed."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unets.cli.terminal import note, print_json, print_table

if TYPE_CHECKING:
    from napari_unets.models import ModelCard

__all__ = ["models"]

models = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


class _Task(StrEnum):
    EM = "em"
    DOCUMENT = "document"
    OTHER = "other"


_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
_NewName = Annotated[str, typer.Argument(metavar="NEW", help="The new name.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model, or its folder.")]


@models.callback()
def _models(context: typer.Context, as_json: _AsJson = False) -> None:
    """List, show, make, export, import and copy models; rename or remove your own."""
    if context.invoked_subcommand is None:
        list_models(as_json=as_json)


@models.command("list")
def list_models(as_json: _AsJson = False) -> None:
    """List the models that ship with the package and your own."""
    from napari_unets.models import ModelStore

    store = ModelStore()
    cards, broken = store.list()
    folders = store.folders()
    if as_json:
        found = [_summary(card) | {"name": name, "folder": str(folders[name])} for name, card in cards.items()]
        damaged = [{"name": name, "folder": str(folders[name]), "error": str(e)} for name, e in broken.items()]
        print_json(found + damaged)
        if store.trouble:
            note(store.trouble)
        return
    rows = [[name, card.network, ", ".join(c.name for c in card.classes), card.summary] for name, card in cards.items()]
    print_table(["model", "network", "classes", "what it does"], rows)
    for error in broken.values():
        note(f"damaged: {error}")
    if store.trouble:
        note(store.trouble)


def _summary(card: ModelCard) -> dict[str, Any]:
    return card.model_dump(mode="json", include={"title", "summary", "task", "network", "classes", "licence"})


@models.command("show")
def show_model(name: _Name, as_json: _AsJson = False) -> None:
    """Show a model's card."""
    from napari_unets.models import load_model

    model = load_model(name)
    if as_json:
        print_json(model.card.model_dump(mode="json") | {"folder": str(model.folder)})
        return
    card = model.card
    print_table(["model", card.name], [[name, value] for name, value in _card_lines(card) if value])
    for score in card.scores:
        print_table([score.data, "score"], [[name, f"{value:.4f}"] for name, value in score.values.items()])


def _card_lines(card: ModelCard) -> list[tuple[str, str]]:
    training = card.training
    return [
        ("title", card.title),
        ("summary", card.summary),
        ("description", card.description),
        ("network", f"{card.network} {card.network_config}"),
        ("classes", ", ".join(f"{c.id} = {c.name}" for c in card.classes)),
        ("normalisation", card.normalisation.method),
        ("pixel size", f"{card.pixel_size_nm:g} nm" if card.pixel_size_nm else ""),
        ("threshold", f"{card.threshold:g}"),
        ("halo", f"{card.halo} pixels"),
        ("trained on", f"{training.data}: {training.steps} steps, {training.minutes:.0f} minutes" if training else ""),
        ("made from", card.parent or ""),
        ("licence", card.licence),
        ("cite", "\n".join(card.citation)),
    ]


@models.command("new")
def new(
    name: _NewName,
    network: Annotated[
        str, typer.Option(metavar="NETWORK", help="unet, unet-plus-plus, sf-net, fusionnet, …")
    ] = "unet",
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help="Name of class 1, 2, …", show_default="object, background"),
    ] = None,
    rgb: Annotated[bool, typer.Option("--rgb", help="It takes colour images.")] = False,
    task: Annotated[_Task, typer.Option(help="Kind of images.")] = _Task.OTHER,
    pixel_size: Annotated[
        float | None, typer.Option(metavar="NM", min=0, help="Size of a pixel in nanometres.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the network, such as width=32.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the random weights.")] = 0,
) -> None:
    """Make a model of your own with random weights, to be fine-tuned on what you annotate."""
    from napari_unets.models import ModelStore, new_model, save_model

    made = new_model(
        name,
        network,
        classes or ["object", "background"],
        rgb=rgb,
        task=task.value,
        pixel_size_nm=pixel_size,
        seed=seed,
        settings=dict(_setting(text) for text in setting or []),
    )
    folder = save_model(made.network, made.card, ModelStore().place_for(name))
    note(f"{made.name}: {made.network.name} of {made.network.n_parameters:,} random weights → {folder}")


def _setting(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; a value is JSON, or else a word."""
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE, such as width=32", param_hint="--set")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


@models.command("export")
def export(
    name: _Name,
    target: Annotated[Path, typer.Argument(metavar="PATH", help="A .zip, or a new folder.")],
    overwrite: _Overwrite = False,
) -> None:
    """Write a model to a zip file or a folder, to send it to somebody."""
    from napari_unets.models import export_model

    note(f"{name} → {export_model(name, target, overwrite=overwrite)}")


@models.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="PATH", help="A .zip with a model in it, or a model's folder.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it.", show_default="what its card says")
    ] = None,
    overwrite: _Overwrite = False,
) -> None:
    """Add a model to your own, once its card and weights have been checked."""
    from napari_unets.models import import_model

    note(f"{source} is now the model {import_model(source, name=name, overwrite=overwrite)}")


@models.command("copy")
def copy(name: _Name, new: _NewName) -> None:
    """Copy a model to your own, under another name."""
    from napari_unets.models import copy_model

    note(f"{name} → {copy_model(name, new)}")


@models.command("rename")
def rename(name: _Name, new: _NewName) -> None:
    """Give one of your own models another name."""
    from napari_unets.models import rename_model

    note(f"{name} → {rename_model(name, new)}")


@models.command("remove")
def remove_model(name: Annotated[str, typer.Argument(metavar="NAME", help="Name of one of your models.")]) -> None:
    """Delete one of your own models from the disk."""
    from napari_unets.models import ModelStore

    note(f"removed {ModelStore().remove(name)}")
