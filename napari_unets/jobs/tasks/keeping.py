"""Put a tuned model into the store, in the worker: the window's process need not load torch for it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["keep_model"]


def keep_model(tuned: str | Path, target: str | Path, title: str) -> str:
    """Save a run's model as one of the user's models.

    Parameters
    ----------
    tuned : str or Path
        Folder of the tuned model.
    target : str or Path
        Folder in the store, whose name becomes the model's; it must not exist.
    title : str
        What the lists of models say.

    Returns
    -------
    str
        The model's name.
    """
    from napari_unets.models import load_model, save_model

    model = load_model(Path(tuned))
    card = model.card.model_copy(update={"name": Path(target).name, "title": title})
    return save_model(model.network, card, target).name
