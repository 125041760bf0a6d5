"""A large synthetic scene embedded tile by tile: peak memory, and resuming after a kill.

run: make bench-large-scene   (or python large_scene.py [--side 20000])

2 bands uint8, a tiny encoder: memory and resuming are what is asked, not time. The first process is
killed after a few strips, a second one goes on. Results go to results/large_scene.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
import torch
from rasterio.transform import from_origin
from rasterio.windows import Window

from unlabeled_remote_sensing.encoders.raster_vit import RasterViT, RasterViTSettings
from unlabeled_remote_sensing.outputs.scenes import embed_scene
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor

SENSORS = {"x": Sensor(bands=("a", "b"), mean=(128.0, 128.0), std=(64.0, 64.0))}


def write_scene(path: Path, side: int) -> None:
    """2 bands uint8, written in rows of blocks so that this needs no memory either."""
    rng = np.random.default_rng(0)
    options = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=2,
        height=side,
        width=side,
        dtype="uint8",
        crs="EPSG:32633",
        transform=from_origin(5e5, 5e6, 10, 10),
        **options,
    ) as target:
        for row in range(0, side, 512):
            height = min(512, side - row)
            coarse = rng.integers(0, 256, (2, -(-height // 32), -(-side // 32)), dtype=np.uint8)
            values = coarse.repeat(32, axis=1).repeat(32, axis=2)[:, :height, :side]
            target.write(values, window=Window(0, row, side, height))


def embed(folder: Path) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    settings = RasterViTSettings(sensors=SENSORS, patch=16, width=16, depth=1, heads=2)
    reader = Scenes(sensors=SENSORS, pattern="{scene}.tif")
    item = next(item for item in reader.index(folder) if item.id == "scene")
    out = folder / "maps" / "map.tif"
    embed_scene(RasterViT(settings).eval(), reader, item, out, output="tokens", tile=512, margin=32)


def started(folder: Path) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=embed, args=(folder,))
    process.start()
    return process


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=20_000)
    side = parser.parse_args().side
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_scene(folder / "scene.tif", side)
        first = started(folder)
        strips = folder / "maps" / ".map.tif.strips"
        while first.is_alive() and len(list(strips.glob("*.npy"))) < 3:
            time.sleep(0.05)
        first.kill()
        first.join()
        kept = {path.name: path.stat().st_mtime_ns for path in strips.glob("*.npy")}
        second = started(folder)
        while second.is_alive() and len(list(strips.glob("*.npy"))) <= len(kept):
            time.sleep(0.05)
        again = [n for n, at in kept.items() if (strips / n).stat().st_mtime_ns != at]
        second.join()
        with rasterio.open(folder / "maps" / "map.tif") as found:
            shape, holes = found.shape, int(np.isnan(found.read(1)).sum())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    results = {
        "date": str(date.today()),
        "pixels": [side, side],
        "map": list(shape),
        "cells missing": holes,
        "exit": second.exitcode,
        "strips kept after the kill": len(kept),
        "strips computed again": len(again),
        "peak memory, GiB": round(used.ru_maxrss / 2**20, 2),
        "processor time, minutes": round((used.ru_utime + used.ru_stime) / 60, 1),
    }
    print("\n".join(f"{name}: {value}" for name, value in results.items()))
    path = Path(__file__).parent / "results" / "large_scene.json"
    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
