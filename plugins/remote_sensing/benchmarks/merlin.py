"""MERLIN on synthetic speckle and on complex radar scenes, beside boxcar and refined Lee filters.

run: UNLABELED_DATA=… make bench-merlin   (or python merlin.py [--seeds 3] [--synthetic-only])

Settings were chosen on other synthetic scenes and within the upper half of the real ones.
Scenes are written once as complex GeoTIFFs and go through `unlabeled pretrain` (the recipe
remote_sensing/merlin) and `unlabeled restore`. Synthetic: straight-edged fields of known
reflectivity, 8 scenes to train on, 2 others to judge. Real: trained on the upper half of each
scene, judged on the lower. Neighbouring pixels of these are correlated, so every second one is
taken (encoder.subsample 2), and one of the four lattices is judged, for filters alike. What is done
already is kept below --runs. Results go to results/merlin.json and results/*.png.

Fixed before anything was trained: zones are the 4 squares of 16 px, on a grid of their own size,
whose 5 × 5 means vary least; edges are the 2 % of pixels with the strongest ratio of 7 × 7 means on
both sides; both are found in the single-look image of the judged half. Added later: boxcars of 9 to
13 px, for a despeckler with more looks than the 7 × 7 mean is otherwise compared at unequal looks;
both comparisons are given.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from unlabeled_remote_sensing.assessments.despeckling import FILTERS
from unlabeled_remote_sensing.evaluators.despeckling import (
    bias,
    edge_contrast,
    equivalent_looks,
    find_edges,
    homogeneous_zones,
    psnr,
    ratio_image,
)
from unlabeled_remote_sensing.filters import boxcar
from unlabeled_remote_sensing.synthetic import fields, speckled

HERE = Path(__file__).parent
RECIPE = "remote_sensing/merlin"
TRAINING, JUDGED = 8, 2
ZONE, ZONES = 16, 4
SIZES, WIDER = (3, 5, 7), (9, 11, 13)
Rows = dict[str, dict[str, float]]


def write(path: Path, values: np.ndarray) -> None:
    """values: (H, W) complex. The scenes have no georeference; pixels of 1 m stand for one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = values.shape
    options = {"driver": "GTiff", "crs": "EPSG:32633", "transform": Affine(1, 0, 5e5, 0, -1, 5e6)}
    with rasterio.open(
        path, "w", count=1, height=height, width=width, dtype="complex64", **options
    ) as file:
        file.write(values.astype(np.complex64)[None])


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return np.asarray(file.read(1).astype(np.float64))


def unlabeled(*words: object) -> None:
    command = [str(Path(sys.executable).with_name("unlabeled")), *map(str, words)]
    subprocess.run(command, check=True)


def restored(data: Path, run: Path, seed: int, *settings: str) -> float:
    """Pretrain on `data`/train, restore `data`/test to `run`/restored; CPU minutes of training."""
    note = run / "benchmark.json"
    if not note.exists():
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        unlabeled(*("pretrain", RECIPE, data / "train", "--out", run, "--seed", seed), *settings)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        note.write_text(json.dumps({"cpu_minutes": round(seconds / 60, 2)}))
    unlabeled("restore", run, data / "test", "--out", run / "restored")
    return float(json.loads(note.read_text())["cpu_minutes"])


def synthetic(folder: Path, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    truths = [fields(rng, 256) for _ in range(TRAINING + JUDGED)]
    scenes = [speckled(truth, rng) for truth in truths]
    data = folder / f"synthetic-data{seed}"
    for number, scene in enumerate(scenes):
        part = "train" if number < TRAINING else "test"
        write(data / part / f"scene{number}.tif", scene)
    run = folder / f"synthetic{seed}"
    minutes = restored(data, run, seed)
    each = []
    for number in range(TRAINING, TRAINING + JUDGED):
        noisy = np.abs(scenes[number].astype(np.complex128)) ** 2
        ours = read(run / "restored" / f"scene{number}.tif")
        each.append(synthetic_rows(truths[number], noisy, ours))
    rows = {
        name: {key: float(np.mean([one[name][key] for one in each])) for key in each[0][name]}
        for name in each[0]
    }
    rows["MERLIN"]["cpu_minutes"] = minutes
    return rows


def synthetic_rows(truth: np.ndarray, noisy: np.ndarray, ours: np.ndarray) -> Rows:
    images = {name: filtered(noisy) for name, filtered in FILTERS.items()}
    rows = {}
    for name, image in {**images, "MERLIN": ours}.items():
        rows[name] = {"psnr": psnr(truth, image), "bias": bias(truth, image)}
        if name != "single look":
            ratio = ratio_image(noisy, image)
            lag1 = {"ratio_lag1_row": ratio.lag1[0], "ratio_lag1_column": ratio.lag1[1]}
            rows[name] |= {"ratio_mean": ratio.mean, "ratio_looks": ratio.looks, **lag1}
    return rows


def real(source: Path, folder: Path, seed: int) -> dict[str, object]:
    stored = np.load(source)
    whole = stored["real"] + 1j * stored["imag"]
    half = whole.shape[0] // 2 // 2 * 2
    data = folder / f"{source.stem}-data"
    write(data / "train" / "upper.tif", whole[:half])
    write(data / "test" / "lower.tif", whole[half:])
    run = folder / f"{source.stem}{seed}"
    settings = ("--encoder.subsample", "2", "--reader.window", "128")
    minutes = restored(data, run, seed, *settings)
    noisy = np.abs(whole[half:].astype(np.complex128))[::2, ::2] ** 2
    ours = read(run / "restored" / "lower.tif")[::2, ::2]
    zones, edges = homogeneous_zones(noisy, ZONE, ZONES), find_edges(noisy)
    images = {name: filtered(noisy) for name, filtered in FILTERS.items()}
    images |= {f"boxcar {size}": boxcar(noisy, size) for size in WIDER} | {"MERLIN": ours}
    rows: Rows = {}
    for name, image in images.items():
        ratio = ratio_image(noisy, image) if name != "single look" else None
        looks = [equivalent_looks(image[r : r + ZONE, c : c + ZONE]) for r, c in zones]
        rows[name] = {
            "looks": float(np.mean(looks)),
            "edge_contrast": edge_contrast(image, edges),
            "bias": bias(noisy, image),
        }
        if ratio:
            lag1 = {"ratio_lag1_row": ratio.lag1[0], "ratio_lag1_column": ratio.lag1[1]}
            rows[name] |= {"ratio_mean": ratio.mean, **lag1}
    rows["MERLIN"]["above_the_curve"] = above_the_curve(rows, SIZES)
    rows["MERLIN"]["above_the_wider_curve"] = above_the_curve(rows, (*SIZES, *WIDER))
    rows["MERLIN"]["cpu_minutes"] = minutes
    if seed == 0:
        picture(images, HERE / "results" / f"{source.stem}.png")
    correlated = {f"{step} apart": coherence(whole[half:], step) for step in (1, 2)}
    return {"coherence": correlated, "zones": zones, "edges": len(edges.places), "rows": rows}


def coherence(scene: np.ndarray, step: int) -> list[float]:
    """Of pixels `step` apart along rows and along columns, their level taken out."""
    flat = scene / np.sqrt(boxcar(np.abs(scene) ** 2, 9))
    found = []
    for one, other in ((flat[step:], flat[:-step]), (flat[:, step:], flat[:, :-step])):
        power = (np.abs(one) ** 2).sum() * (np.abs(other) ** 2).sum()
        found.append(float(np.abs((one * other.conj()).sum()) / np.sqrt(power)))
    return found


def above_the_curve(rows: Rows, sizes: Sequence[int]) -> float:
    """Edge contrast above that of the best filter with as many looks as MERLIN.

    The curve of the boxcars of `sizes` is interpolated in log looks; beyond its end, and for a
    filter with more looks, the filter's own contrast counts.
    """
    looks, contrast = rows["MERLIN"]["looks"], rows["MERLIN"]["edge_contrast"]
    curve = [rows["single look"], *(rows[f"boxcar {size}"] for size in sizes)]
    boxcars = np.interp(
        np.log(looks),
        [np.log(row["looks"]) for row in curve],
        [row["edge_contrast"] for row in curve],
    )
    lee = rows["refined Lee"]
    rivals = [float(boxcars), *([lee["edge_contrast"]] if lee["looks"] >= looks else [])]
    return contrast - max(rivals)


def picture(images: dict[str, np.ndarray], path: Path, side: int = 120) -> None:
    """Amplitudes in dB, 1 to 99 % of the single look's, twice enlarged: single look, boxcar 5,
    refined Lee, MERLIN from left to right."""
    shown = [images[name] for name in ("single look", "boxcar 5", "refined Lee", "MERLIN")]
    decibels = [10 * np.log10(np.maximum(x[:side, :side], 1e-12)) for x in shown]
    low, high = np.percentile(decibels[0], (5, 99))
    grey = [np.clip((x - low) / (high - low) * 255, 0, 255) for x in decibels]
    gap = np.full((grey[0].shape[0], 2), 255.0)
    joined = np.concatenate([grey[0], *(x for image in grey[1:] for x in (gap, image))], axis=1)
    large = joined.repeat(2, axis=0).repeat(2, axis=1).astype(np.uint8)
    path.parent.mkdir(exist_ok=True)
    height, width = large.shape
    with rasterio.open(
        path, "w", driver="PNG", count=1, height=height, width=width, dtype="uint8"
    ) as file:
        file.write(large[None])


def show(title: str, rows: Rows) -> None:
    print(title)
    for name, values in rows.items():
        shown = (f"{key} {value:.3f}" for key, value in values.items())
        print(f"  {name:12s} " + ", ".join(shown), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--synthetic-only", action="store_true")
    parser.add_argument("--runs", type=Path, default=Path(".cache/bench-merlin"))
    options = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root and not options.synthetic_only:
        sys.exit("set UNLABELED_DATA to the folder of real data, or give --synthetic-only")
    target = HERE / "results" / "merlin.json"
    sources = sorted((Path(str(root)) / "remote_sensing/slc_complex").glob("*.npz"))
    results: dict[str, object] = {"date": str(date.today())}
    results["versions"] = {n: version(n) for n in ("unlabeled-remote-sensing", "torch")}
    for seed in range(options.seeds):
        rows = synthetic(options.runs, seed)
        results[f"synthetic, seed {seed}"] = rows
        show(f"synthetic, seed {seed}", rows)
        for source in () if options.synthetic_only else sources:
            found = real(source, options.runs, seed)
            results[f"{source.stem}, seed {seed}"] = found
            show(f"{source.stem}, seed {seed}", found["rows"])
        target.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
