"""Whether an output that is there still is what would be made now: same input, same model, same settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unets.jobs.outputs.fingerprint import fingerprint
from napari_unets.jobs.outputs.record import MADE_FROM, METADATA_KEY

if TYPE_CHECKING:
    from napari_unets.inference import InferenceSettings
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.jobs.outputs.settings import OutputSettings
    from napari_unets.models import ModelCard

__all__ = ["MadeFrom", "model_hash", "record_of"]

#: Where and how fast a model runs; the result is the same but for rounding.
_WITHOUT_EFFECT = frozenset({"device", "backend", "batch", "threads"})
#: What on a model's card changes results; the rest is words.
_WITH_EFFECT = ("network", "network_config", "classes", "normalisation", "threshold", "halo", "weights_sha256")


@dataclass(frozen=True)
class MadeFrom:
    """All that decides what an output holds.

    Attributes
    ----------
    sources : tuple of mapping
        Of each input its :func:`~napari_unets.jobs.outputs.fingerprint.fingerprint`.
    model_sha256 : str
        Hash of the model: its weights and what else on its card has an effect.
    settings : mapping
        All settings with an effect.
    """

    sources: tuple[Mapping[str, Any], ...]
    model_sha256: str
    settings: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        sources: Sequence[str | Path],
        card: ModelCard,
        settings: InferenceSettings,
        output: OutputSettings,
        opening: Opening | None = None,
    ) -> MadeFrom:
        """Look at the inputs as they are now.

        Raises
        ------
        ImageNotFoundError, UnreadableImageError
            If one of them cannot be looked at.
        """
        how = settings.model_dump(mode="json", exclude=set(_WITHOUT_EFFECT)) | output.model_dump(mode="json")
        dataset = None
        if opening is not None:
            how |= opening.changed()
            dataset = opening.dataset
        return cls(tuple(fingerprint(source, dataset=dataset) for source in sources), model_hash(card), how)

    @classmethod
    def of_output(cls, target: Path) -> MadeFrom | None:
        """Read what an output was made from; None if it does not say so."""
        try:
            kept = record_of(target)[MADE_FROM]
            return cls(tuple(dict(source) for source in kept["sources"]), str(kept["model_sha256"]), kept["settings"])
        except (KeyError, TypeError, ValueError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "sources": [dict(source) for source in self.sources],
            "model_sha256": self.model_sha256,
            "settings": dict(self.settings),
        }

    def difference(self, now: MadeFrom) -> str:
        """Say how what was does not match what is now; empty if it does."""
        reasons = []
        names_before = {source.get("name") for source in self.sources}
        for source in now.sources:
            if (name := source["name"]) not in names_before:
                reasons.append(f"it was not made from {name}")
            elif source not in self.sources:  # several may have this name, in folders of their own
                reasons.append(f"{name} has changed")
        if not reasons and self.sources != now.sources:
            reasons.append("it was made from other inputs, or in another order")
        if self.model_sha256 != now.model_sha256:
            reasons.append("the model is another one")
        names = sorted({*self.settings, *now.settings})
        changed = [
            f"{name} was {_word(self.settings.get(name))} and is {_word(now.settings.get(name))}"
            for name in names
            if self.settings.get(name) != now.settings.get(name)
        ]
        return "; ".join(reasons + changed)


def model_hash(card: ModelCard) -> str:
    """Hash of all that a model's results depend on.

    Parameters
    ----------
    card : ModelCard
        Names the hash of the weights, against which they are checked when they are loaded.

    Returns
    -------
    str
        SHA-256, in hexadecimal digits. Another title or another score on the card does not change it.
    """
    values = card.model_dump(mode="json", include=set(_WITH_EFFECT))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def record_of(target: Path) -> Mapping[str, Any]:
    """Read what an output of ours remembers of how it was made; empty of anything else."""
    from napari_unets.images import ImageError, MixedSizesError, open_page, open_stack
    from napari_unets.images.pdf import PDF_SUFFIXES, Pdf

    try:
        if target.suffix.lower() in PDF_SUFFIXES:
            document = Pdf(target)
            try:
                found: Any = document.metadata
            finally:
                document.close()
        else:
            try:
                stack = open_stack(target)
            except MixedSizesError:
                stack = open_page(target, 1)
            with stack:
                found = stack.metadata
        kept = found.get(METADATA_KEY)
    except (ImageError, OSError):
        return {}
    return kept if isinstance(kept, Mapping) else {}


def _word(value: Any) -> str:
    return "not set" if value is None else str(value)
