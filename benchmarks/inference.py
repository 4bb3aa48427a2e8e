"""How fast a model runs over one image: MONAI's sliding window, the bare network, and us, in one process.

    python benchmarks/inference.py                      # 2048², SF-Net and U-Net
    python benchmarks/inference.py --size 256 --repeats 1 --networks sf-net

Every row is timed in turn, and then again, so that whatever else the machine does meets all of them; the median
counts. Conversion and compilation are done before and told apart. Prints a table and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from napari_unets.images import as_stack, open_stack, prepare_plane, synthetic_em_stack
from napari_unets.inference import InferenceSettings, Predictor, hardware_has_bf16, predict, stack_statistics
from napari_unets.inference.openvino_backend import openvino_is_installed
from napari_unets.models import ClassInfo, Model, ModelCard, UnknownModelError, load_model
from napari_unets.networks import create_network

WINDOWS = (256, 512, 768, 1024, 1088, 1536, 2048)
MONAI = "MONAI sliding window 512, overlap 0.25, gaussian, eager fp32"


@dataclass
class Row:
    """One way to run a network over the image."""

    network: str
    what: str
    run: Callable[[], np.ndarray | float] = field(repr=False)
    predictor: str = ""
    first_seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    result: np.ndarray | None = field(default=None, repr=False)
    changed: float | None = None

    @property
    def seconds(self) -> float:
        return statistics.median(self.times)

    def measure(self) -> None:
        start = time.perf_counter()
        result = self.run()
        seconds = time.perf_counter() - start
        if isinstance(result, float):  # extrapolated from a part of the image
            seconds = result
        else:
            self.result = result
        self.times.append(seconds)


def mosaic(folder: Path, size: int) -> np.ndarray:
    """Sections of a stack side by side, up to the size wanted."""
    with open_stack(folder) as stack:
        height, width = stack.plane_shape
        rows, columns = -(-size // height), -(-size // width)
        planes = [stack.plane(i % stack.n_planes) for i in range(rows * columns)]
    return np.block([planes[row * columns : (row + 1) * columns] for row in range(rows)])[:size, :size]


def model_for(network: str) -> tuple[Model, bool]:
    """The bundled model if it is of this network, else fresh weights; and whether it is trained."""
    try:
        model = load_model("em-membranes")
    except UnknownModelError:
        model = None
    if model is not None and model.card.network == network:
        return model, True
    torch.manual_seed(0)
    made = create_network(network)
    card = ModelCard(
        name=network,
        title=network,
        summary="random weights",
        network=network,
        network_config=made.config,
        classes=[ClassInfo(id=1, name="membrane", color="#ff0000"), ClassInfo(id=2, name="cell", color="#0000ff")],
        halo=64,
        weights_sha256="0" * 64,
        licence="none",
    )
    return Model(card, network=made), False


def predictor_for(model: Model, backend: str, precision: str, threads: int | None) -> tuple[Predictor, float]:
    """A predictor, and the seconds it took to make."""
    start = time.perf_counter()
    settings = InferenceSettings(device="cpu", backend=backend, precision=precision, threads=threads)
    predictor = Predictor(model, settings)
    return predictor, time.perf_counter() - start


def monai(image: np.ndarray, predictor: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """MONAI's sliding window as its documentation shows it."""
    from monai.inferers import sliding_window_inference

    with torch.inference_mode():
        x = torch.from_numpy(image)[None]
        return sliding_window_inference(x, 512, 1, predictor, overlap=0.25, mode="gaussian")[0, 0].numpy()


def best_raw(predictor: Predictor, size: int) -> Callable[[], float]:
    """Time of the bare network for as many pixels as the image has, at the window where a pixel costs least."""

    def seconds(window: int) -> float:
        batch = np.zeros((1, 1, window, window), np.float32)
        start = time.perf_counter()
        predictor(batch)
        return (time.perf_counter() - start) / window**2 * size**2

    candidates = [window for window in WINDOWS if window <= max(size, min(WINDOWS))]
    with predictor.running():
        for window in candidates:
            seconds(window)  # compile, and touch the memory
        best = min(candidates, key=seconds)

    def run() -> float:
        with predictor.running():
            seconds(best)
            return seconds(best)

    return run


def rows_of(network: str, image: np.ndarray, threads: int | None) -> list[Row]:
    """Everything that is compared for one network."""
    model, trained = model_for(network)
    normalised = prepare_plane(image, 1, stack_statistics(model, as_stack(image)))
    eager = model.network

    def eager_probability(x: torch.Tensor) -> torch.Tensor:
        return eager(x).sigmoid()

    precisions = ["bf16", "fp32"] if hardware_has_bf16("cpu") else ["fp32"]  # emulated, bf16 is a quarter as fast
    backends = ["openvino", "torch"] if openvino_is_installed() else ["torch"]
    ways = [(backend, precision) for precision in precisions for backend in backends]
    made = {way: predictor_for(model, *way, threads) for way in ways}
    fastest = made[ways[0]][0]

    def fastest_probability(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(fastest(x.numpy()))

    label = " ".join(ways[0])
    rows = [
        Row(network, MONAI, lambda: monai(normalised, eager_probability)),
        Row(network, f"MONAI, the same with our {label}", lambda: monai(normalised, fastest_probability)),
        Row(network, f"raw forward, {label}, best window", best_raw(fastest, image.shape[0])),
    ]
    for (backend, precision), (predictor, first) in made.items():

        def ours(predictor: Predictor = predictor) -> np.ndarray:
            return predict(model, image, predictor=predictor)

        rows.append(
            Row(network, f"napari-unets, {backend} {precision}", ours, f"{backend} {precision}", first_seconds=first)
        )
    for row in rows:
        row.changed = float("nan") if trained else None
    return rows


def measure(rows: list[Row], repeats: int, threshold: float) -> None:
    """Time every row in turn; then compare the classes with those of strict fp32."""
    for row in rows[1:]:  # MONAI with the bare network has nothing to warm up, and takes longest
        row.run()
    for _ in range(repeats):
        for row in rows:
            row.measure()
    strict = next(row.result for row in rows if row.predictor == "torch fp32")
    for row in rows:
        if row.changed is not None and row.predictor:
            row.changed = float(np.mean((row.result > threshold) != (strict > threshold)))


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    flags, name = set(), platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    versions = {"torch": torch.__version__}
    for package in ("openvino", "monai"):
        try:
            versions[package] = __import__(package).__version__
        except ImportError:
            versions[package] = "not installed"
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "amx": "amx_bf16" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
        "threads": torch.get_num_threads(),
        "load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        **versions,
    }


def table(rows: list[Row]) -> str:
    """Markdown: seconds, how many times as fast as MONAI, time over the raw forward, pixels that changed class."""
    lines = [
        "| network | way | seconds | × MONAI | ÷ raw forward | pixels that change class | ready after (s) |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        others = {other.what: other for other in rows if other.network == row.network}
        base = others[MONAI].seconds
        raw = next(other.seconds for what, other in others.items() if what.startswith("raw"))
        changed = "" if row.changed is None or np.isnan(row.changed) else f"{row.changed:.1e}"
        ready = f"{row.first_seconds:.1f}" if row.first_seconds else ""
        lines.append(
            f"| {row.network} | {row.what} | {row.seconds:.2f} | {base / row.seconds:.2f} | "
            f"{row.seconds / raw:.2f} | {changed} | {ready} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2048, help="side of the image in pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", default="sf-net,unet", help="names, separated by commas")
    parser.add_argument("--threads", type=int, help="CPU threads (torch's and OpenVINO's own choice by default)")
    parser.add_argument("--images", type=Path, help="folder or file of sections to make the image of; else made up")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/inference.json"))
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")  # MONAI's
    size = arguments.size
    image = mosaic(arguments.images, size) if arguments.images else synthetic_em_stack(1, size)[0][0]
    about, rows = machine(), []
    for network in arguments.networks.split(","):
        print(f"{network} …", file=sys.stderr)
        fresh = rows_of(network, image, arguments.threads)
        measure(fresh, arguments.repeats, model_for(network)[0].card.threshold)
        rows += fresh
    print(table(rows))
    figures = [
        {k: v for k, v in asdict(row).items() if k not in ("run", "result")} | {"seconds": row.seconds} for row in rows
    ]
    content = {"machine": about, "size": size, "repeats": arguments.repeats, "rows": figures}
    arguments.output.write_text(json.dumps(content, indent=2).replace("NaN", "null") + "\n")


if __name__ == "__main__":
    main()
