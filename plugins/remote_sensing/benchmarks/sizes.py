"""How scores of real tiles depend on the size and the scaling in which encoders see them.

run: UNLABELED_DATA=… make bench-sizes   (or python plugins/remote_sensing/benchmarks/sizes.py)

Source: the protocol of Corley et al. 2023, arXiv:2305.13456, on 550 Sentinel-2 tiles of 11 places
(`scene_sites_s2`): the place is told from a tile, trained on the western part of each place and
tested on the rest. One small run without labels, five random encoders of its kind, band statistics
and random convolutional features, each at three sizes with two scalings, by kNN and a linear probe.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache" / "sizes"
RESULT = Path(__file__).parent / "results" / "sizes.json"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
BANDS = ["B02", "B03", "B04", "B08"]
STEPS = 300
RECIPE = f"""
reader:
  name: remote_sensing/scenes
  sensors: {{S2: {{bands: [{", ".join(BANDS)}], unit: reflectance x 10000, scale: 15.69}}}}
encoder: {{name: remote_sensing/raster_vit, width: 96, depth: 4, heads: 4}}
views:
  - count: 2
    steps:
      - {{name: remote_sensing/resized_crop, size: 40, scale: [0.5, 1.0]}}
      - {{name: remote_sensing/dihedral}}
      - {{name: remote_sensing/band_jitter, gain: 0.2, shift: 0.2}}
objective: {{name: vicreg, projector: [256, 256]}}
pretext: {{name: joint_embedding}}
training:
  batch_size: 64
  steps: {STEPS}
  optimiser: {{name: adamw, lr: 0.001, weight_decay: 0.01}}
  schedule: {{name: cosine, warm_up: 0.1}}
evaluation:
  assess: {{name: remote_sensing/sizes, sizes: [32, null, 96]}}
  baselines: [remote_sensing/band_statistics, remote_sensing/random_convolutions]
"""


def main() -> None:
    """Prepare, pretrain, assess, write the result and print the table."""
    source = os.environ.get("UNLABELED_DATA")
    if not source:
        raise SystemExit("set UNLABELED_DATA to the folder of real data")
    tiles, labels = prepare(Path(source) / "remote_sensing" / "scene_sites_s2" / "tiles.npz")
    run, recipe = CACHE / "run", CACHE / "recipe.yaml"
    recipe.write_text(RECIPE)
    shutil.rmtree(run, ignore_errors=True)
    call("pretrain", recipe, tiles, "--out", run)
    call("evaluate", run, tiles, "--labels", labels, "--target", "place", "--name", "sizes")
    found = json.loads((run / "evaluation" / "sizes.json").read_text())
    every = [{key: found[key] for key in ("at", "rows", "comparisons")}, *found["further"]]
    result = {"steps": STEPS, "items": found["items"], "tables": [slim(each) for each in every]}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result["tables"]))


def prepare(file: Path) -> tuple[Path, Path]:
    """Tiles as GeoTIFFs, and their labels."""
    stored = np.load(file, allow_pickle=False)
    folder, labels = CACHE / "tiles", CACHE / "labels.csv"
    folder.mkdir(parents=True, exist_ok=True)
    with labels.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["item", "place", "group", "split"])
        for number, pixels in enumerate(stored["image"]):
            kind = {"driver": "GTiff", "crs": "EPSG:32633", "dtype": pixels.dtype}
            place = Affine(10.0, 0.0, 200_000.0 + 640 * number, 0.0, -10.0, 5_000_000.0)
            size = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2]}
            name = f"t{number:04d}"
            target = folder / f"{name}_S2.tif"
            with rasterio.open(target, "w", transform=place, **kind, **size) as raster:
                raster.write(pixels)
                raster.descriptions = tuple(BANDS)
            label = stored["classes"][stored["label"][number]]
            writer.writerow([name, label, name, stored["split"][number]])
    return folder, labels


def slim(table: dict[str, Any]) -> dict[str, Any]:
    rows = [{k: row[k] for k in ("name", "score", "interval")} for row in table["rows"]]
    return {"at": table["at"], "rows": rows, "comparisons": table["comparisons"]}


def table(tables: list[dict[str, Any]]) -> str:
    """Markdown: a row per condition, a column per embedding."""
    names = [row["name"] for row in tables[0]["rows"]]
    lines = [f"| size | bands | probe | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    for each in tables:
        at, scores = each["at"], [f"{row['score']:.3f}" for row in each["rows"]]
        what = f"{at['size']} | {at['normalisation']} | {at['probe']}"
        lines.append(f"| {what} | {' | '.join(scores)} |")
    return "\n".join(lines)


def call(*words: object) -> None:
    done = subprocess.run(
        [UNLABELED, *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stderr}")


if __name__ == "__main__":
    main()
