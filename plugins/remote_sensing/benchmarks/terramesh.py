"""CROMA on TerraMesh land cover: tiles of 224 px embedded whole, and in the 48 px of training.

run: UNLABELED_DATA=… make bench-terramesh   (or python terramesh.py)

Pretrained by `unlabeled pretrain` on 48 px crops of the four tiles, without labels. Then each tile
is embedded at once and in crops, and a logistic probe (C 0.1) tells the land cover of each patch of
4 px, most of whose pixels decide. Tested in five folds of blocks of 56 px; intervals come from a
paired bootstrap over the 64 blocks. Four tiles say whether a larger image does harm, not how good
land cover maps are. What is done is kept below --runs. Results go to results/terramesh.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import rasterio
import torch
from sklearn.model_selection import GroupKFold

from unlabeled.contract import Encoder
from unlabeled.evaluation.bootstrap import interval, resample_scores
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.export.encoder import load_encoder, load_reader, read_config
from unlabeled.inference.reading import Source
from unlabeled.probes import metrics
from unlabeled.probes.logistic import path as logistic_path
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.readers.scenes import Scenes

HERE = Path(__file__).parent
SIDE, CROP, PATCH, BLOCK = 224, 48, 4, 56
GRID = SIDE // PATCH
C = 0.1
OUTPUT = "joint_tokens"


def pretrain(data: Path, run: Path, seed: int) -> None:
    if (run / "encoder").exists():
        return
    command = [str(Path(sys.executable).with_name("unlabeled")), "pretrain"]
    fresh = [str(HERE / "terramesh.yaml"), str(data), "--out", str(run), "--seed", str(seed)]
    resumed = (run / "recipe.yaml").exists()
    subprocess.run([*command, *(["--resume", str(run)] if resumed else fresh)], check=True)


@torch.inference_mode()
def tokens(encoder: Encoder, raster: Raster) -> np.ndarray:
    """(rows, columns, D) of one raster, with its whole context."""
    found = encoder.encode(encoder.collate([raster]), OUTPUT)
    side = raster.shape[0] // PATCH
    return np.asarray(found.values[0].reshape(side, side, -1).numpy())


def whole(encoder: Encoder, reader: Scenes, tile: object) -> np.ndarray:
    return tokens(encoder, reader.read_part(tile, 0, 0, SIDE, SIDE))


def in_crops(encoder: Encoder, reader: Scenes, tile: object) -> np.ndarray:
    """The last row and column of crops are moved back inside."""
    starts = [*range(0, SIDE - CROP, CROP), SIDE - CROP]
    found: np.ndarray | None = None
    for row in starts:
        for column in starts:
            part = tokens(encoder, reader.read_part(tile, row, column, CROP, CROP))
            found = np.zeros((GRID, GRID, part.shape[-1])) if found is None else found
            r, c, side = row // PATCH, column // PATCH, CROP // PATCH
            found[r : r + side, c : c + side] = part
    assert found is not None
    return found


def band_means(reader: Scenes, tile: object) -> np.ndarray:
    """Of each patch, all bands."""
    layers = reader.read_part(tile, 0, 0, SIDE, SIDE).layers.values()
    bands = np.concatenate([layer.values for layer in layers])
    return bands.reshape(-1, GRID, PATCH, GRID, PATCH).mean(axis=(2, 4)).transpose(1, 2, 0)


def cover(path: Path) -> np.ndarray:
    """The class of most pixels of each patch, (GRID, GRID)."""
    with rasterio.open(path) as file:
        values = file.read(1)
    cells = values.reshape(GRID, PATCH, GRID, PATCH).transpose(0, 2, 1, 3).reshape(GRID, GRID, -1)
    counts = (cells[..., None] == np.arange(values.max() + 1)).sum(axis=2)
    return np.asarray(counts.argmax(axis=2))


def blocks(number: int) -> np.ndarray:
    step = BLOCK // PATCH
    row, column = np.mgrid[:GRID, :GRID] // step
    return np.asarray(number * 1000 + row * (GRID // step) + column)


def out_of_fold(features: np.ndarray, target: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Probabilities (N, classes) of every patch, by probes that did not see its block."""
    said = np.zeros((len(target), int(target.max()) + 1))
    for train, test in GroupKFold(5, shuffle=True, random_state=0).split(features, groups=groups):
        said[test] = next(
            logistic_path(features[train], target[train], features[test], [C], said.shape[1])
        )
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path(".cache/bench-terramesh"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("set UNLABELED_DATA to the folder of real data")
    data = Path(root) / "remote_sensing/terramesh_examples"
    run = options.runs / f"seed{options.seed}"
    pretrain(data, run, options.seed)
    encoder, loaded = load_encoder(run), load_reader(run)
    assert isinstance(loaded, Scenes)
    windows = loaded.index(data)
    untrained = random_encoder(
        read_config(run).encoder,
        0,
        Source(windows, loaded),
        range(len(windows)),
        output="joint",
        batch_size=32,
    )
    reader = loaded.model_copy(update={"items": "scene"})
    tiles = list(reader.index(data))
    ways: dict[str, Callable[[object], np.ndarray]] = {
        "whole tile": lambda tile: whole(encoder, reader, tile),
        "crops of 48 px": lambda tile: in_crops(encoder, reader, tile),
        "random encoder, whole tile": lambda tile: whole(untrained, reader, tile),
        "band means": lambda tile: band_means(reader, tile),
    }
    covers = np.stack([cover(data / "LULC" / f"{tile.id}.tif") for tile in tiles])
    classes, target = np.unique(covers.ravel(), return_inverse=True)
    groups = np.stack([blocks(number) for number in range(len(tiles))]).ravel()
    said, finite = {}, {}
    for name, way in ways.items():
        values = np.stack([way(tile) for tile in tiles])
        finite[name] = bool(np.isfinite(values).all())
        said[name] = out_of_fold(values.reshape(len(target), -1), target, groups)
        print(f"{name}: {metrics.balanced_accuracy(target, said[name]):.3f}", flush=True)
    results = judged(target, groups, said, finite)
    about = {"date": str(date.today()), "seed": options.seed, "classes": classes.tolist()}
    path = HERE / "results" / "terramesh.json"
    path.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
    print(json.dumps(results, indent=1))


def judged(
    target: np.ndarray, groups: np.ndarray, said: dict[str, np.ndarray], finite: dict[str, bool]
) -> dict[str, dict[str, object]]:
    """Accuracy, balanced accuracy, and the whole tile's accuracy minus each with its interval."""
    right = {name: values.argmax(axis=1) == target for name, values in said.items()}
    scorers = [lambda places, hits=hits: float(hits[places].mean()) for hits in right.values()]
    samples = resample_scores(groups, scorers)
    results: dict[str, dict[str, object]] = {}
    for number, (name, values) in enumerate(said.items()):
        bounds = interval(samples[:, 0] - samples[:, number])
        results[name] = {
            "finite": finite[name],
            "balanced_accuracy": round(metrics.balanced_accuracy(target, values), 4),
            "accuracy": round(float(right[name].mean()), 4),
            "whole_tile_minus_this": round(
                float(right["whole tile"].mean() - right[name].mean()), 4
            ),
            "interval": [round(bounds.low, 4), round(bounds.high, 4)],
        }
    return results


if __name__ == "__main__":
    main()
