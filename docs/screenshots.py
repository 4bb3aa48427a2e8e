"""Takes the pictures of the documentation anew: ``python docs/screenshots.py``."""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent


def keep(picture: Path, name: str) -> None:
    """Put a picture into the documentation, in 256 colours: a third of the size, and no difference to see."""
    image = Image.open(picture).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(DOCS / "images" / name, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).parent / "napari-unets"
        subprocess.run([program, "demo", "--headless", "--output", folder], check=True)
        keep(Path(folder) / "screenshot.png", "demo.png")
        for name in ("annotate", "batch"):
            picture = Path(folder) / f"{name}.png"
            script = [sys.executable, DOCS / f"screenshot_{name}.py", picture]
            subprocess.run([DOCS.parent / "tools" / "with-display", *script], check=True)
            keep(picture, picture.name)


if __name__ == "__main__":
    main()
