"""Volumes from Zarr to Zarr: the speed beside that in memory, with more planes, more workers, and a simulated cluster.

    python benchmarks/volume.py                                        # all of it; about 15 minutes on 2 cores
    python benchmarks/volume.py --size 256 --planes 4 --rounds 1       # only to see that it runs

Every process computes with one thread, so that workers and cores can be counted. Prints tables; writes volume.json
beside this file and docs/images/volume.png, or what ``--json`` and ``--plot`` name.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from volume_plot import plot
from volume_simulation import Block, Cluster, simulate
from volume_tasks import Nothing, Part, do_nothing, only_compute

from napari_unets.cores import usable_cores
from napari_unets.images import open_stack, save_stack, synthetic_em_stack
from napari_unets.inference import InferenceSettings, Predictor, segment
from napari_unets.jobs.cluster.executor import on_cluster
from napari_unets.jobs.volumes.job import VolumeJob, plan_volume
from napari_unets.jobs.volumes.run import VolumeReport, run_volume
from napari_unets.models import load_model

ROOT = Path(__file__).resolve().parents[1]
#: Bytes a second of the storage: for one machine, and for all (a file server, a small and a large parallel one).
CLIENT_BANDWIDTH = 1e9
STORAGES = {"1 GB/s": 1e9, "10 GB/s": 1e10, "100 GB/s": 1e11}
#: How much faster than this machine's core a worker is.
SPEEDS = {"as measured": 1.0, "100 times faster": 100.0}
#: Of the blocks that are chosen by default: 64 MiB.
BLOCK_MEGAPIXELS = 2**26 / 1e6
SIMULATED = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Bench:
    """One model, one image on disk, and a folder for results."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.given = given
        self.folder = folder
        self.settings = InferenceSettings(device="cpu", backend=given.backend, threads=1, tile=given.tile)
        self.model = load_model(given.model)
        self._numbers = iter(range(10**6))
        # One section again and again would compress as no real volume does: each is shifted and has its own noise.
        section = synthetic_em_stack(1, given.size)[0][0].astype(np.int16)
        noise = np.random.default_rng(0)
        self.images = np.empty((max(self.plane_counts()), given.size, given.size), np.uint8)
        for z, plane in enumerate(self.images):
            plane[:] = np.clip(np.roll(section, 37 * z, (0, 1)) + noise.normal(0, 4, section.shape), 0, 255)

    def plane_counts(self) -> list[int]:
        """Numbers of planes for the cost of more of them."""
        return [self.given.planes // 2, self.given.planes, 2 * self.given.planes]

    def image(self, planes: int) -> Path:
        """An OME-Zarr of so many planes, compressed."""
        path = self.folder / f"image-{planes}.ome.zarr"
        if not path.exists():
            save_stack(path, self.images[:planes], axes="zyx", voxel_size_nm=(50, 4, 4))
        return path

    def job(self, predictor: Predictor, planes: int) -> VolumeJob:
        """A segmentation of a plane a block."""
        output = self.folder / f"out-{next(self._numbers)}.ome.zarr"
        side = -(-self.given.size // 1024) * 1024
        return plan_volume(self.image(planes), output, predictor, block=(self.given.block_planes, side, side))


def in_turn(rounds: int, **ways: Any) -> dict[str, float]:
    """Median seconds of each way, run in turn so that a busy machine is unfair to all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in seconds.items()}


def throughput(bench: Bench, predictor: Predictor) -> dict[str, Any]:
    """Array to array in memory, and Zarr to Zarr."""
    planes = bench.given.planes
    array = np.ascontiguousarray(bench.images[:planes])
    out = np.empty(array.shape, np.uint8)
    reports: list[VolumeReport] = []
    segment(bench.model, array[:1], predictor=predictor)
    seconds = in_turn(
        bench.given.rounds,
        memory=lambda: segment(bench.model, array, out=out, predictor=predictor),
        disk=lambda: reports.append(run_volume(bench.job(predictor, planes), predictor=predictor)),
    )
    last = reports[-1]
    with open_stack(last.output) as made:
        same = float(np.mean(np.asarray(made[:]) == out))
    return {
        "planes": planes,
        "seconds_in_memory": seconds["memory"],
        "seconds_zarr_to_zarr": seconds["disk"],
        "ratio": seconds["memory"] / seconds["disk"],
        "reading": last.reading,
        "computing": last.computing,
        "writing": last.writing,
        "blocks": last.blocks,
        "read_bytes": size_of(bench.image(planes)),
        "written_bytes": size_of(last.output),
        "same_voxels": same,
    }


def over_planes(bench: Bench, predictor: Predictor) -> list[dict[str, Any]]:
    """Cost of a megapixel for more and more planes."""
    rows = []
    for planes in bench.plane_counts():
        way = {"run": lambda planes=planes: run_volume(bench.job(predictor, planes), predictor=predictor)}
        seconds = in_turn(bench.given.rounds, **way)["run"]
        rows.append({"planes": planes, "seconds_per_megapixel": seconds / (planes * bench.given.size**2 / 1e6)})
    return rows


def over_workers(bench: Bench, predictor: Predictor) -> list[dict[str, Any]]:
    """Speed-up with workers of one thread, once they are ready: their start is told apart.

    Beside it what the machine has to give: cores share memory and heat, so two of them are less than twice one.
    """
    rows: list[dict[str, Any]] = []
    cores = usable_cores()
    for workers in bench.given.workers:
        if workers > cores:
            print(f"not measured: {workers} workers, since there are {cores} cores")
            continue
        begun = time.perf_counter()
        with on_cluster(workers=workers) as execute:
            warm = bench.job(predictor, max(2 * workers, bench.given.planes // 2))
            run_volume(warm, execute=execute)
            ready = time.perf_counter() - begun
            way = {"run": lambda: run_volume(bench.job(predictor, bench.given.planes), execute=execute)}
            seconds = in_turn(bench.given.rounds, **way)["run"]
        alone = statistics.median(only_computing(bench, workers) for _ in range(bench.given.rounds))
        rows.append({"workers": workers, "seconds": seconds, "ready_after": ready, "only_computing": alone})
    for row in rows:
        for speedup, name in (("speedup", "seconds"), ("machine", "only_computing")):
            row[speedup] = rows[0][name] / row[name] * rows[0]["workers"]
    return rows


def only_computing(bench: Bench, processes: int) -> float:
    """Seconds that as many processes take which share nothing but the machine, with the planes in their memory."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(processes + 1)
    shares = np.array_split(bench.images[: bench.given.planes], processes)
    given = [(bench.given.model, bench.settings, share, barrier) for share in shares]
    running = [spawn.Process(target=only_compute, args=arguments) for arguments in given]
    for process in running:
        process.start()
    barrier.wait()
    begun = time.perf_counter()
    barrier.wait()
    seconds = time.perf_counter() - begun
    for process in running:
        process.join()
    return seconds


def overhead(bench: Bench, tasks: int) -> dict[str, float]:
    """What scheduler and client together compute for a block, which is what bounds their rate."""
    nothing = Nothing(bench.folder / "nothing")
    with on_cluster(workers=1, run=do_nothing) as execute:
        list(execute(nothing, [Part(i) for i in range(100)]))
        begun, cpu = time.perf_counter(), time.process_time()
        list(execute(nothing, [Part(i) for i in range(tasks)]))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - begun
    return {"tasks": tasks, "cpu_seconds_per_task": cpu / tasks, "wall_seconds_per_task": wall / tasks}


def simulated(bench: Bench, measured: dict[str, Any], scheduler_s: float) -> Iterator[dict[str, Any]]:
    """Clusters of up to 1000 workers, with blocks of the usual size that take what was measured for a megapixel."""
    share = BLOCK_MEGAPIXELS / (measured["planes"] * bench.given.size**2 / 1e6)
    for speed, factor in SPEEDS.items():
        seconds = [measured["computing"] * share / factor]
        block = Block(measured["read_bytes"] * share, measured["written_bytes"] * share, seconds)
        for storage, bandwidth in STORAGES.items():
            for workers in SIMULATED:
                blocks = max(20_000, 50 * workers)
                outcome = simulate(Cluster(workers, scheduler_s, bandwidth, CLIENT_BANDWIDTH), block, blocks)
                yield {
                    "name": f"{speed}, {storage}",
                    "workers": workers,
                    "megapixels_per_second": blocks * BLOCK_MEGAPIXELS / outcome.seconds,
                    "workers_busy": outcome.workers_busy,
                    "scheduler_busy": outcome.scheduler_busy,
                    "storage_busy": outcome.storage_busy,
                    "bottleneck": outcome.bottleneck,
                }


def size_of(path: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def report(result: dict[str, Any]) -> None:
    """Print the tables."""
    made = result["throughput"]
    print(f"\nZarr to Zarr at {made['ratio']:.2f} of the speed in memory ({made['seconds_zarr_to_zarr']:.2f} s to")
    print(
        f"{made['seconds_in_memory']:.2f} s; in them reading {made['reading']:.2f}, computing {made['computing']:.2f},"
    )
    print(f"writing {made['writing']:.2f} s); {made['same_voxels']:.4%} of the voxels are the same\n")
    print("| planes | s a megapixel |\n|---:|---:|")
    for row in result["planes"]:
        print(f"| {row['planes']} | {row['seconds_per_megapixel']:.3f} |")
    print(
        "\n| workers | seconds | speed-up | processes that only compute | ready after (s) |\n|---:|---:|---:|---:|---:|"
    )
    for row in result["workers"]:
        shown = f"{row['seconds']:.2f} | {row['speedup']:.2f} | {row['machine']:.2f} | {row['ready_after']:.1f}"
        print(f"| {row['workers']} | {shown} |")
    each = result["overhead"]
    print(f"\nscheduler and client: {1e3 * each['cpu_seconds_per_task']:.2f} ms of CPU a block\n")
    print("| simulated | workers | megapixels/s | workers busy | scheduler busy | storage busy | bottleneck |")
    print("|---|---:|---:|---:|---:|---:|---|")
    for row in result["simulation"]:
        if row["workers"] in (1, 100, 1000):
            busy = " | ".join(f"{row[name]:.0%}" for name in ("workers_busy", "scheduler_busy", "storage_busy"))
            speed = f"{row['megapixels_per_second']:.1f}"
            print(f"| {row['name']} | {row['workers']} | {speed} | {busy} | {row['bottleneck']} |")


def main() -> None:
    """Read the arguments, measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="em-membranes")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--size", type=int, default=1024, help="side of a plane")
    parser.add_argument("--planes", type=int, default=16)
    parser.add_argument("--block-planes", type=int, default=1)
    parser.add_argument("--tile", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--tasks", type=int, default=2000, help="empty blocks, for the scheduler's share")
    parser.add_argument("--json", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "images" / "volume.png")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(given, Path(name))
        with Predictor(bench.model, bench.settings) as predictor:
            print(f"{predictor!r}, {given.planes} planes of {given.size}²", flush=True)
            result: dict[str, Any] = {"arguments": {k: str(v) for k, v in vars(given).items()}}
            result["throughput"] = throughput(bench, predictor)
            result["planes"] = over_planes(bench, predictor)
            result["workers"] = over_workers(bench, predictor)
        result["overhead"] = overhead(bench, given.tasks)
        cpu = result["overhead"]["cpu_seconds_per_task"]
        result["simulation"] = list(simulated(bench, result["throughput"], cpu))
    given.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    plot(result, given.plot)
    report(result)


if __name__ == "__main__":
    main()
