"""MERLIN on synthetic speckle (PSNR, bias, ratio image) and on complex scenes, beside filters."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import torch

from unlabeled.randomness import Draw
from unlabeled_remote_sensing.encoders.despeckler import Despeckler, DespecklerSettings, lattice
from unlabeled_remote_sensing.evaluators.despeckling import (
    bias,
    edge_contrast,
    equivalent_looks,
    find_edges,
    homogeneous_zones,
    psnr,
    ratio_image,
)
from unlabeled_remote_sensing.filters import boxcar, refined_lee
from unlabeled_remote_sensing.pretexts.merlin import Merlin, MerlinSettings, symmetrised
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor
from unlabeled_remote_sensing.synthetic import fields, speckled

HERE = Path(__file__).parent
NAME = "slc"
WINDOW, BATCH = 64, 8
FILTERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "single look": lambda x: x,
    "boxcar 3": lambda x: boxcar(x, 3),
    "boxcar 5": lambda x: boxcar(x, 5),
    "boxcar 7": lambda x: boxcar(x, 7),
    "refined Lee": refined_lee,
}


def raster(values: np.ndarray) -> Raster:
    layer = Layer(values[None].astype(np.complex64), np.ones(values.shape, bool))
    return Raster({NAME: layer}, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def train(scenes: list[Raster], steps: int, seed: int) -> Despeckler:
    """A loop of a few lines: the scenes lie in memory. Learning rate falls to 0 as a cosine."""
    torch.manual_seed(seed)
    sensors = {NAME: Sensor(bands=("amplitude",))}
    encoder = Despeckler(DespecklerSettings(sensors=sensors, width=24))
    encoder.calibrate([encoder.collate([scene]) for scene in scenes])
    method = Merlin(MerlinSettings(symmetrise=False), encoder)
    optimiser = torch.optim.AdamW(method.parameters(), lr=1e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = np.random.default_rng(seed)
    for step in range(steps):
        windows = [window(scenes[int(rng.integers(len(scenes)))], rng) for _ in range(BATCH)]
        drawn = [method.example(w, Draw(seed, step, str(i))) for i, w in enumerate(windows)]
        loss = method(method.collate(drawn)).total
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(method.parameters(), 5.0)
        optimiser.step()
        schedule.step()
    return encoder.eval()


def window(scene: Raster, rng: np.random.Generator) -> Raster:
    sides = [min(WINDOW, side) for side in scene.shape]
    row, column = (int(rng.integers(n - s + 1)) for n, s in zip(scene.shape, sides, strict=True))
    moved = (1.0, 0.0, float(column), 0.0, 1.0, float(row))
    cut = (..., slice(row, row + sides[0]), slice(column, column + sides[1]))
    return scene.rearranged(lambda x: x[cut], moved)


def restored(encoder: Despeckler, scene: Raster) -> np.ndarray:
    return encoder.restore(scene).layers[NAME].values[0].astype(np.float64)


def intensity(scene: Raster) -> np.ndarray:
    return np.abs(scene.layers[NAME].values[0].astype(np.complex128)) ** 2


def synthetic(steps: int, seed: int) -> dict[str, dict]:
    """Straight-edged fields of known reflectivity; trained on 8 scenes, judged on 2 others."""
    rng = np.random.default_rng(seed)
    truths = [fields(rng, 256) for _ in range(10)]
    scenes = [raster(speckled(truth, rng)) for truth in truths]
    start = time.process_time()
    encoder = train(scenes[:8], steps, seed)
    rows: dict[str, dict] = {}
    for name in (*FILTERS, "MERLIN"):
        each = []
        for truth, scene in zip(truths[8:], scenes[8:], strict=True):
            noisy = intensity(scene)
            image = restored(encoder, scene) if name == "MERLIN" else FILTERS[name](noisy)
            ratio = ratio_image(noisy, image)
            each.append(
                [psnr(truth, image), bias(truth, image), ratio.mean, ratio.looks, *ratio.lag1]
            )
        keys = ("psnr", "bias", "ratio_mean", "ratio_looks", "ratio_lag1_row", "ratio_lag1_column")
        rows[name] = dict(zip(keys, np.mean(each, axis=0).tolist(), strict=True))
    rows["MERLIN"]["cpu_seconds"] = time.process_time() - start
    return rows


def real(path: Path, steps: int, seed: int) -> dict[str, object]:
    """Trained on the upper half of a scene, judged on the lower.

    Neighbouring pixels are correlated, so every second one is taken; the four lattices are
    trained on and one is judged. Zones (16 px, the 4 flattest) and edges are found by rule in the
    single-look image of the lower half, before anything is restored.
    """
    stored = np.load(path)
    whole = stored["real"] + 1j * stored["imag"]
    half = whole.shape[0] // 2 // 2 * 2
    upper, lower = (symmetrised(raster(part), NAME) for part in (whole[:half], whole[half:]))
    scenes = [lattice(upper, 2, row, column) for row in range(2) for column in range(2)]
    judged = lattice(lower, 2, 0, 0)
    noisy = intensity(judged)
    zones, edges = homogeneous_zones(noisy, 16, 4), find_edges(noisy)
    encoder = train(scenes, steps, seed)
    rows = {}
    for name in (*FILTERS, "MERLIN"):
        image = restored(encoder, judged) if name == "MERLIN" else FILTERS[name](noisy)
        ratio = ratio_image(noisy, image)
        rows[name] = {
            "looks": np.mean([equivalent_looks(image[r : r + 16, c : c + 16]) for r, c in zones]),
            "edge_contrast": edge_contrast(image, edges),
            "bias": bias(noisy, image),
            "ratio_mean": ratio.mean,
            "ratio_lag1": ratio.lag1,
        }
    return {"zones": zones, "edges": len(edges.places), "rows": rows}


def show(title: str, rows: dict[str, dict]) -> None:
    print(title)
    for name, values in rows.items():
        shown = (f"{key} {np.round(value, 3)}" for key, value in values.items())
        print(f"  {name:12s} " + ", ".join(shown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--synthetic-only", action="store_true")
    options = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root and not options.synthetic_only:
        sys.exit("set UNLABELED_DATA to the folder of real data, or give --synthetic-only")
    results: dict[str, object] = {"steps": options.steps}
    for seed in range(options.seeds):
        rows = synthetic(options.steps, seed)
        results[f"synthetic, seed {seed}"] = rows
        show(f"synthetic, seed {seed}", rows)
        if options.synthetic_only:
            continue
        for path in sorted((Path(str(root)) / "remote_sensing/slc_complex").glob("*.npz")):
            found = real(path, options.steps, seed)
            results[f"{path.stem}, seed {seed}"] = found
            show(f"{path.stem}, seed {seed}", found["rows"])
    target = HERE / "results" / f"merlin-{date.today()}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
