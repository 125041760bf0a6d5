"""Pretrain on slices of cardiac cine MRI; segment the left ventricle from few labelled slices.

run: UNLABELED_DATA=… make bench-cine   (or python cine.py --recipes multi_task --seeds 0)

UNLABELED_DATA names the folder that holds medical/sunnybrook_cine. Its 526 slices of 30 patients
are written once as PNG files below .cache/bench-cine; those of 20 patients go in by `unlabeled
pretrain`, without labels, and `unlabeled_medical.segment` labels some of them and tests the other
10 patients. Runs are kept below .cache, and results/cine.json is written after each.
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
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unlabeled.atomic import write_json
from unlabeled_medical.segment import segment

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-cine"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("multi_task", "simclr")
SETTINGS = ("--reader.patch", "64")
LABELLED = (1, 2, 5, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    path = HERE / "results" / "cine.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text())["results"] if path.exists() else []
    done = {(each["recipe"], each["seed"]) for each in results}
    for recipe, seed in itertools.product(asked.recipes, asked.seeds):
        if (recipe, seed) not in done:
            results.append({"recipe": recipe, "seed": seed, "rows": measure(recipe, seed)})
            today = datetime.date.today().isoformat()
            kept = {"date": today, "settings": SETTINGS, "versions": versions()}
            write_json(path, {**kept, "results": results})
    print(markdown(results))


def measure(recipe: str, seed: int) -> list[dict[str, Any]]:
    """Pretrain one recipe on 20 patients, and judge it."""
    data, run = slices(), CACHE / "runs" / recipe / str(seed)
    command = ["pretrain", f"medical/{recipe}", str(data / "train"), "--out", str(run), *SETTINGS]
    subprocess.run([UNLABELED, *command, "--training.seed", str(seed)], check=True)
    rows = segment(run, data, data / "masks.csv", labelled=LABELLED, draws=5)
    return [asdict(row) for row in rows]


def slices() -> Path:
    """A folder per patient below train and test; masks, and a table of them, beside."""
    folder = CACHE / "slices"
    if (folder / "masks.csv").exists():
        return folder
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA: expected the folder that holds medical/sunnybrook_cine")
    root = Path(os.environ["UNLABELED_DATA"]) / "medical" / "sunnybrook_cine"
    arrays = np.load(root / "train.npz", allow_pickle=False)
    patients = sorted(set(arrays["patient"].tolist()))
    tested = set(patients[2::3])
    rows = []
    for number, patient in enumerate(arrays["patient"].tolist()):
        part = "test" if patient in tested else "train"
        item = f"{part}/{patient}/{number:03d}.png"
        for name, pixels in ((item, arrays["image"]), (f"masks/{number:03d}.png", arrays["mask"])):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[number]).save(folder / name)
        mask = f"masks/{number:03d}.png"
        rows.append({"item": item, "mask": mask, "group": patient, "split": part})
    with (folder / "masks.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}


def markdown(results: list[dict[str, Any]]) -> str:
    """One row per run, number of labelled slices and contestant."""
    lines = [
        "| recipe | seed | labelled | embedding | Dice | pretrained − this |",
        "|" + "---|" * 6,
    ]
    for result in results:
        gaps = {
            (row["labelled"], gap["against"]): gap for row in result["rows"] for gap in row["gaps"]
        }
        for row in result["rows"]:
            gap = gaps.get((row["labelled"], row["name"]))
            told = (
                f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})" if gap else ""
            )
            place = f"{result['recipe']} | {result['seed']} | {row['labelled']}"
            lines.append(f"| {place} | {row['name']} | {row['dice']:.3f} | {told} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
