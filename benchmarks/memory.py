"""How much memory a huge plane takes: peak of the process while a model runs over it, above what it held before.

python benchmarks/memory.py --height 16384 --width 16384 --backend openvino

The image is a Zarr array on disk, and so is the result. On Linux the peak is the kernel's own figure, else sampled.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import zarr
from inference import model_for

from napari_unets.images import synthetic_em_stack
from napari_unets.inference import InferenceSettings, Predictor, predict, segment


class Peak(threading.Thread):
    """Watches the resident memory of this process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self.before = self.peak = self._process.memory_info().rss
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            self.peak = max(self.peak, self._process.memory_info().rss)

    def stop(self) -> None:
        self._over.set()
        self.join()


def image_on_disk(folder: Path, height: int, width: int) -> zarr.Array:
    """A plane that repeats a made-up section."""
    section = synthetic_em_stack(1, 1024)[0][0]
    stored = zarr.create_array(str(folder / "image"), shape=(1, height, width), chunks=(1, 1024, 1024), dtype="uint8")
    for y in range(0, height, 1024):
        rows = np.tile(section, (1, -(-width // 1024)))[: height - y, :width]
        stored[0, y : y + 1024] = rows
    return stored


def main() -> None:
    """Read the arguments, run, print one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=16_384)
    parser.add_argument("--width", type=int, default=16_384)
    parser.add_argument("--network", default="sf-net")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--segment", action="store_true", help="class ids instead of probabilities")
    arguments = parser.parse_args()
    model, _ = model_for(arguments.network)
    settings = InferenceSettings(device="cpu", backend=arguments.backend, precision=arguments.precision)
    run, dtype = (segment, "uint8") if arguments.segment else (predict, "float32")
    with tempfile.TemporaryDirectory() as name, Predictor(model, settings) as predictor:
        image = image_on_disk(Path(name), arguments.height, arguments.width)
        out = zarr.create_array(str(Path(name) / "out"), shape=image.shape, chunks=image.chunks, dtype=dtype)
        predictor(np.zeros((1, 1, 64, 64), np.float32))
        peak = Peak()
        peak.start()
        start = time.perf_counter()
        run(model, image, out=out, predictor=predictor)
        seconds = time.perf_counter() - start
        peak.stop()
    print(
        f"{predictor!r}, {arguments.height}×{arguments.width}: {seconds:.0f} s, "
        f"peak {(peak.peak - peak.before) / 2**30:.2f} GiB above the {peak.before / 2**30:.2f} GiB held before"
    )


if __name__ == "__main__":
    main()
