"""The card of a model, to be read by people."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from napari_unets.models import ModelCard
from napari_unets.models.card import TrainingRecord
from napari_unets.widgets.files.stack_summary import bytes_in_words
from napari_unets.widgets.parts.notes import time_in_words

__all__ = ["card_html"]

_TASKS = {"em": "electron microscopy", "document": "documents", "other": "other images"}
_NORMALISED = {
    "zscore": "to mean 0 and deviation 1 over the stack",
    "percentile": "percentiles {low:g} and {high:g} of the stack to 0 and 1",
    "range": "by the range of the type",
    "otsu": "each page around its threshold by Otsu's method",
    "wolf": "each page by its darkest pixel and largest contrast",
}
_LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;)]")
_SCORES = {"psnr": "PSNR", "drd": "DRD", "nrm": "NRM", "f_measure": "F", "pseudo_f_measure": "pseudo-F"}


def card_html(card: ModelCard, folder: Path, *, own: bool) -> str:
    """Write a card as rich text.

    Parameters
    ----------
    card : ModelCard
        The card.
    folder : Path
        Where the model is.
    own : bool
        Whether it is one of the user's.

    Returns
    -------
    str
        HTML that a QLabel understands; whatever stands on the card is escaped.
    """
    classes = "<br>".join(f'<span style="color:{c.color}">■</span> {c.id} = {escape(c.name)}' for c in card.classes)
    rows = {
        "for": _TASKS[card.task],
        "classes": classes,
        "pixel size": f"{card.pixel_size_nm:g} nm" if card.pixel_size_nm else "",
        "image": _image(card),
        "threshold": f"{card.threshold:g}",
        "network": escape(card.network) + _settings(card.network_config),
        "trained": _training(card.training) if card.training is not None else "",
        "made from": escape(card.parent or ""),
        "licence": escape(card.licence),
        "cite": "<br>".join(f"– {_linked(text)}" for text in card.citation),
        "kept in": escape(f"{folder} ({bytes_in_words(_size_of(folder))})"),
    }
    table = "".join(
        f'<tr><td style="padding-right: 8px"><b>{name}</b></td><td>{text}</td></tr>'
        for name, text in rows.items()
        if text
    )
    whose = "yours" if own else "ships with napari-unets"
    description = "".join(f"<p>{_linked(part)}</p>" for part in card.description.strip().split("\n\n") if part)
    return (
        f"<h3>{escape(card.title)}</h3><p><i>{escape(card.name)}</i>, {whose}</p>"
        f"<p><b>{escape(card.summary)}</b></p>{description}<table>{table}</table>{_scores(card)}"
    )


def _image(card: ModelCard) -> str:
    how = _NORMALISED[card.normalisation.method].format(low=card.normalisation.low, high=card.normalisation.high)
    return f"{'colour' if card.in_channels == 3 else 'grey'}, normalised {escape(how)}"


def _settings(config: dict[str, object]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in config.items() if name not in ("in_channels", "out_channels"))
    return f" ({escape(said)})" if said else ""


def _training(training: TrainingRecord) -> str:
    parts = [escape(training.data)] if training.data else []
    if training.steps:
        parts.append(f"{training.steps} steps in {time_in_words(60 * training.minutes)}")
    if training.hardware:
        parts.append(escape(training.hardware))
    if training.recipe:
        parts.append(f"recipe {escape(training.recipe)}")
    if painted := ", ".join(f"{escape(name)} {count:,}" for name, count in training.annotated_pixels.items()):
        parts.append(f"annotated pixels: {painted}")
    return "<br>".join(parts)


def _scores(card: ModelCard) -> str:
    tables = []
    for score in card.scores:
        rows = "".join(
            f'<tr><td style="padding-right: 8px">{escape(_SCORES.get(name, name))}</td><td>{value:.5g}</td></tr>'
            for name, value in score.values.items()
        )
        tables.append(f"<p><b>Scores</b> on {_linked(score.data)}</p><table>{rows}</table>")
    return "".join(tables)


def _linked(text: str) -> str:
    """Escape a text, and make links of the addresses in it."""
    return _LINK.sub(lambda match: f'<a href="{match[0]}">{match[0]}</a>', escape(text, quote=False))


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
