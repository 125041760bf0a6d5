"""Windowed reads: ours beside bare rasterio with an open handle, one thread and two."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

# Real scenes are larger than GDAL's cache of decoded blocks; so is this one, then.
os.environ["GDAL_CACHEMAX"] = "16"
SIDE, WINDOW, READS = 4096, 256, 200


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


def seconds(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    for compress in (None, "deflate"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.tif"
            write_scene(path, compress)
            measure(path, compress or "uncompressed", rounds)


def measure(path: Path, name: str, rounds: int) -> None:
    """Ratios of speed, ours over bare, alternating in one process: median and quartiles."""
    reader = Scenes(
        sensors={"x": Sensor(bands=("a", "b", "c", "d"))}, pattern="{scene}.tif", window=WINDOW
    )
    item = reader.index(path.parent)[0]
    places = np.random.default_rng(1).integers(0, SIDE - WINDOW, (READS, 2)).tolist()
    with rasterio.open(path) as source, ThreadPoolExecutor(2) as pool:

        def bare() -> None:
            for row, column in places:
                source.read(window=Window(column, row, WINDOW, WINDOW)).astype(np.float32)

        def ours(some: list[list[int]] = places) -> None:
            for row, column in some:
                reader.read_part(item, row, column, WINDOW, WINDOW)

        def two() -> None:
            list(pool.map(ours, (places[::2], places[1::2])))

        bare(), ours(), two()
        ratios = np.array(
            [[(base := seconds(bare)) / seconds(job) for job in (ours, two)] for _ in range(rounds)]
        )
        assert base
    for label, column in zip(("one thread", "two threads"), ratios.T, strict=True):
        low, middle, high = np.percentile(column, (25, 50, 75))
        print(f"{name}, {label}: {middle:.2f} of bare rasterio ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
