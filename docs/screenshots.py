"""Takes the pictures of the documentation anew: ``python docs/screenshots.py``."""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).parent / "napari-unets"
        subprocess.run([program, "demo", "--headless", "--output", folder], check=True)
        picture = Image.open(Path(folder) / "screenshot.png").convert("RGB")
        # 256 colours: a third of the size, and no difference to see.
        picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
