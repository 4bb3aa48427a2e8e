"""``python -m napari_unets``, which ``torchrun`` needs: the ``napari-unets`` program."""

from napari_unets.cli import main

if __name__ == "__main__":
    main()
