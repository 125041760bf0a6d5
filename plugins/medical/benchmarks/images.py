"""Pretrain on flat images; probe them beside random encoders and simple features.

UNLABELED_DATA names the folder that holds medical/pneumonia_mnist. The set is written once as PNG
files with a labels table below .cache/bench-images, and goes in by `unlabeled pretrain` (training
images only) and `unlabeled evaluate`, as a user's would. Writes results/images-<date>.json beside
this file after each run; a run that stands there already is not repeated. Prints its table.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import itertools
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-images"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("simclr_images", "vicreg_images")
METRICS = ("roc_auc", "balanced_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    path = HERE / "results" / f"images-{datetime.date.today()}.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text())["results"] if path.exists() else []
    done = {(each["recipe"], each["seed"]) for each in results}
    for recipe, seed in itertools.product(asked.recipes, asked.seeds):
        if (recipe, seed) not in done:
            results.append(measure(recipe, seed))
            kept = {"set": "pneumonia_mnist", "versions": versions(), "results": results}
            path.write_text(json.dumps(kept, indent=1) + "\n")
    print(markdown(results))


def measure(recipe: str, seed: int) -> dict[str, Any]:
    """Pretrain one recipe on the training images, and probe the test images."""
    data, run = pneumonia(), CACHE / "runs" / f"{recipe}-{seed}"
    command = ["pretrain", f"medical/{recipe}", str(data / "train"), "--out", str(run)]
    unlabeled(*command, "--training.seed", str(seed))
    scores = {metric: evaluated(run, data, metric) for metric in METRICS}
    return {"recipe": recipe, "seed": seed, **scores}


def evaluated(run: Path, data: Path, metric: str) -> dict[str, Any]:
    probe = ("--evaluation.probe.name", "logistic", "--evaluation.probe.metric", metric)
    labels = ("--labels", str(data / "labels.csv"), "--name", metric)
    found = json.loads(unlabeled("evaluate", str(run), str(data), *labels, *probe, "--json"))
    return {key: found[key] for key in ("items", "groups", "rows", "comparisons")}


def pneumonia() -> Path:
    """5,030 chest films of children, 28 pixels a side, in the split of the file."""
    folder = CACHE / "pneumonia"
    if (folder / "labels.csv").exists():
        return folder
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA: expected the folder that holds medical/pneumonia_mnist")
    root = Path(os.environ["UNLABELED_DATA"]) / "medical" / "pneumonia_mnist"
    arrays = np.load(root / "pneumoniamnist_28.npz", allow_pickle=False)
    rows = []
    for part in ("train", "val", "test"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        pairs = zip(arrays[f"{part}_images"], arrays[f"{part}_labels"], strict=True)
        for number, (pixels, label) in enumerate(pairs):
            item = f"{part}/{number:04d}.png"
            Image.fromarray(pixels).save(folder / item)
            rows.append({"item": item, "pneumonia": ("no", "yes")[int(label[0])], "split": part})
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def unlabeled(*arguments: str) -> str:
    print("unlabeled", *arguments, file=sys.stderr)
    done = subprocess.run([UNLABELED, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}


def markdown(results: list[dict[str, Any]]) -> str:
    """One row per run, metric and contestant."""
    lines = ["| recipe | seed | metric | embedding | score | pretrained − this |", "|" + "---|" * 6]
    for result, metric in itertools.product(results, METRICS):
        found = result[metric]
        compared = {each["against"]: each for each in found["comparisons"]}
        for row in found["rows"]:
            gap = ""
            if each := compared.get(row["name"]):
                low, high = each["interval"]["low"], each["interval"]["high"]
                gap = f"{each['difference']:+.3f} ({low:+.3f} to {high:+.3f}) {each['outcome']}"
            place = f"{result['recipe']} | {result['seed']} | {metric}"
            lines.append(f"| {place} | {row['name']} | {row['score']:.3f} | {gap} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
