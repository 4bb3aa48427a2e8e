"""The ``napari-unets`` program: one small file a command."""

from napari_unets.cli.app import main

__all__ = ["main"]
