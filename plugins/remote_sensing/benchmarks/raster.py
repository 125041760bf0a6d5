"""Windowed reads: ours beside bare rasterio with an open handle, one thread and two.

run: make bench-raster   (or python raster.py [--rounds 25])

All of them alternate in one process. One thread is compared by processor time, so that a busy
machine does not count; two threads can only be compared by the clock, and gain nothing where no
second core is free, so two threads of bare rasterio stand beside them. Results go to
results/raster.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window

from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

# Real scenes are larger than GDAL's cache of decoded blocks; so is this one, then.
os.environ["GDAL_CACHEMAX"] = "16"
SIDE, WINDOW, READS = 4096, 256, 60


def write_scene(path: Path, compress: str | None) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 3000, (4, SIDE // 16, SIDE // 16))
    values = coarse.repeat(16, axis=1).repeat(16, axis=2) + rng.integers(0, 100, (4, SIDE, SIDE))
    options = {"compress": compress} if compress else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=4,
        height=SIDE,
        width=SIDE,
        dtype="uint16",
        crs="EPSG:32633",
        transform=rasterio.transform.from_origin(5e5, 5e6, 10, 10),
        tiled=True,
        blockxsize=256,
        blockysize=256,
        **options,
    ) as target:
        target.write(values.astype("uint16"))


def seconds(job: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    job()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    results = {}
    for compress in (None, "deflate"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.tif"
            write_scene(path, compress)
            results[compress or "uncompressed"] = measure(path, rounds)
    for name, rows in results.items():
        for label, (low, middle, high) in rows.items():
            print(f"{name}, {label}: {middle:.2f} of bare rasterio ({low:.2f} to {high:.2f})")
    about = {"date": str(date.today()), "rounds": rounds, "load": round(os.getloadavg()[0], 1)}
    target = Path(__file__).parent / "results" / "raster.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({**about, "quartiles": results}, indent=1) + "\n")


def measure(path: Path, rounds: int) -> dict[str, list[float]]:
    """Ratios of speed to that of bare rasterio with one thread: quartiles over the rounds."""
    reader = Scenes(
        sensors={"x": Sensor(bands=("a", "b", "c", "d"))}, pattern="{scene}.tif", window=WINDOW
    )
    item = reader.index(path.parent)[0]
    places = np.random.default_rng(1).integers(0, SIDE - WINDOW, (READS, 2)).tolist()
    halves = (places[::2], places[1::2])
    with rasterio.open(path) as source, rasterio.open(path, sharing=False) as second:

        def bare(some: list[list[int]] = places, handle: DatasetReader = source) -> None:
            for row, column in some:
                handle.read(window=Window(column, row, WINDOW, WINDOW)).astype(np.float32)

        def ours(some: list[list[int]] = places) -> None:
            for row, column in some:
                reader.read_part(item, row, column, WINDOW, WINDOW)

        with ThreadPoolExecutor(2) as pool:

            def two_bare() -> None:
                list(pool.map(bare, halves, (source, second)))

            def two() -> None:
                list(pool.map(ours, halves))

            bare(), ours(), two(), two_bare()
            found: dict[str, list[float]] = {}
            for _ in range(rounds):
                base = seconds(bare, time.process_time)
                ratio = base / seconds(ours, time.process_time)
                found.setdefault("one thread, processor time", []).append(ratio)
                base = seconds(bare, time.perf_counter)
                for label, job in (("two threads", two), ("bare, two threads", two_bare)):
                    ratio = base / seconds(job, time.perf_counter)
                    found.setdefault(label, []).append(ratio)
    return {
        label: np.percentile(ratios, (25, 50, 75)).round(3).tolist()
        for label, ratios in found.items()
    }


if __name__ == "__main__":
    main()
