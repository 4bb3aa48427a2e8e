"""Which network to choose, and when: a line each, for lists and tool tips. Importing this loads no torch."""

from __future__ import annotations

from typing import Final

__all__ = ["NETWORK_ADVICE", "QUICK_TO_TUNE", "network_advice"]

#: By the network's name. What a pixel costs is measured (benchmarks/README.md); the rest follows from the papers.
NETWORK_ADVICE: Final = {
    "sf-net": "Small files (1.6 M parameters) for an average cost a pixel; the first choice for EM membranes.",
    "unet": "The one to begin with; with batch normalisation and a width of 16 it learns in minutes, on a CPU too.",
    "unet-plus-plus": "A nest of U-Nets that can be cut down after training, when it is known how fast it must be.",
    "fusionnet": "The largest and most expensive: for hours on a GPU and much annotated data.",
    "segnet": "Wide and deep without skip connections: for larger things, less for membranes a few pixels thin.",
    "fcn-8s": "Answers in steps of 8 pixels and takes a file of hundreds of MB: for comparison, and for large things.",
    "sliding-window": "Judges each pixel by 95² around it: the smallest, for comparison with what came before U-Net.",
    "modular-cascade": "U-Nets that were trained on photographs first, one after the other: for documents.",
    "otsu": "One threshold for a whole page: evenly lit, clean scans.",
    "niblack": "A threshold for each neighbourhood: rarely better than Sauvola, noisy on bare paper.",
    "sauvola": "A threshold for each neighbourhood: unevenly lit scans without training.",
    "wolf": "As Sauvola, for pages of low contrast.",
}


#: The bundled model to begin fine-tuning with, by task, where that is not the one to segment with: as good, and it
#: learns several times as much in a minute (benchmarks/README.md, "A step").
QUICK_TO_TUNE: Final = {"em": "em-membranes-fast"}


def network_advice(name: str) -> str:
    """Return when to choose a network; empty for one that is not known.

    Parameters
    ----------
    name : str
        Name of a network, as on a model's card.
    """
    return NETWORK_ADVICE.get(name, "")
