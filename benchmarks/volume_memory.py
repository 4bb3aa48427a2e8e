"""How much memory a volume takes on its way from disk to disk: the peak of a fresh process.

    python benchmarks/volume_memory.py --sizes 16x2048 64x2048 --models sauvola

Each row is a process of its own, which makes an OME-Zarr of another, block by block. "model" is what the process holds
when the model has run over one window and nothing of the volume was read; "above" is what the run takes besides.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MIB = 2**20


def make_volume(path: Path, planes: int, side: int) -> None:
    """Write something like sections: noise at two scales, of bytes, in chunks of 1024²."""
    from napari_unets.images import create_writer

    rng = np.random.default_rng(0)
    cell = np.kron(rng.integers(90, 200, (side // 16, side // 16), dtype=np.uint8), np.ones((16, 16), np.uint8))
    with create_writer(path, (planes, side, side), "uint8", voxel_size_nm=(40, 4, 4)) as writer:
        for plane in range(planes):
            noise = rng.integers(0, 50, (side, side), dtype=np.uint8)
            writer.write(plane, None, np.roll(cell, plane, axis=1) + noise)


def peak() -> float:
    """Most memory that this process ever held, in MiB."""
    if sys.platform == "linux":  # where getrusage counts the memory of the process that has started this one, too
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (MIB if sys.platform == "darwin" else 1024)


def run(source: Path, output: Path, model: str, kind: str, settings: dict[str, object]) -> dict[str, float]:
    """Make a volume in this process, and say what it took."""
    from napari_unets.images import as_stack, open_stack
    from napari_unets.inference import InferenceSettings, Predictor, iter_tiles
    from napari_unets.jobs.outputs.settings import OutputSettings
    from napari_unets.jobs.volumes.blocks import plan_volume
    from napari_unets.jobs.volumes.run import run_volume
    from napari_unets.models import load_model

    with Predictor(load_model(model), InferenceSettings(**settings)) as predictor:
        with open_stack(source) as stack:
            shape = stack.shape
        job = plan_volume(source, output, predictor, OutputSettings(kind=kind))
        side = min(job.settings.tile or 0, shape[-1])
        window = as_stack(np.zeros((1, side, side), np.uint8))
        list(iter_tiles(predictor.model, window, predictor=predictor.with_settings(job.settings)))
        before = peak()
        began = time.monotonic()
        report = run_volume(job, predictor=predictor, overwrite=True)
    return {
        "planes": shape[0],
        "side": shape[1],
        "model MiB": round(before),
        "peak MiB": round(peak()),
        "above MiB": round(peak() - before),
        "seconds": round(time.monotonic() - began, 1),
        "reading": round(report.reading, 1),
        "computing": round(report.computing, 1),
        "writing": round(report.writing, 1),
    }


def main() -> None:
    """Measure every combination, print a table, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["16x2048", "64x2048"], help="PLANESxSIDE")
    parser.add_argument("--models", nargs="+", default=["sauvola"])
    parser.add_argument("--kind", default="segmentation", choices=["segmentation", "probabilities", "instances"])
    parser.add_argument("--settings", type=json.loads, default={}, help='such as {"tile": 1024}')
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        source, output, model = options.one
        print(json.dumps(run(Path(source), Path(output), model, options.kind, options.settings)))
        return
    rows = []
    folder = Path(tempfile.mkdtemp(prefix="volume-memory-"))
    try:
        for size in options.sizes:
            planes, side = map(int, size.split("x"))
            source = folder / f"{size}.ome.zarr"
            make_volume(source, planes, side)
            for model in options.models:
                output = folder / "out.ome.zarr"
                command = [sys.executable, __file__, "--one", source, output, model, "--kind", options.kind]
                command += ["--settings", json.dumps(options.settings)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                rows.append({"model": model, "kind": options.kind, **json.loads(done.stdout.splitlines()[-1])})
                print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
                shutil.rmtree(output)
            shutil.rmtree(source)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
