"""Pretrain on flat images; probe them beside random encoders and simple features.

run: UNLABELED_DATA=… make bench-images   (or python images.py --sets haxby)

UNLABELED_DATA names the folder that holds medical/pneumonia_mnist and medical/haxby_fmri_slice. A
set is written once as images with a labels table below .cache/bench-images, and goes in by
`unlabeled pretrain` (training images only) and `unlabeled evaluate`, as a user's would. Writes
results/images.json beside this file after each metric of a recipe; one that stands there
already is not repeated. Prints its table.
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image

from unlabeled.atomic import write_json

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-images"
SEEDS = (0, 1, 2)
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))


@dataclass(frozen=True)
class Set:
    """prepare: writes the data once and gives their folder, with train/ and labels.csv; recipes:
    with what is set beside them on the command line; metrics: of the logistic probe."""

    prepare: Callable[[], Path]
    recipes: dict[str, tuple[str, ...]]
    metrics: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--recipes", nargs="+", help="all of a set's, if left out")
    asked = parser.parse_args()
    path = HERE / "results" / "images.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text())["results"] if path.exists() else []
    done = {(each["set"], each["recipe"], each["metric"]) for each in results}
    for name in asked.sets:
        for recipe, metric in itertools.product(SETS[name].recipes, SETS[name].metrics):
            if (name, recipe, metric) in done or recipe not in (asked.recipes or [recipe]):
                continue
            results.append(measure(name, recipe, metric))
            today = datetime.date.today().isoformat()
            write_json(path, {"date": today, "versions": versions(), "results": results})
    print(markdown(results))


def measure(name: str, recipe: str, metric: str) -> dict[str, Any]:
    """Pretrain one recipe on the training images with each seed, and probe the test images."""
    chosen = SETS[name]
    data, runs = chosen.prepare(), []
    for seed in SEEDS:
        runs.append(CACHE / "runs" / name / f"{recipe}-{seed}")
        command = ["pretrain", f"medical/{recipe}", str(data / "train"), "--out", str(runs[-1])]
        unlabeled(*command, "--training.seed", str(seed), *chosen.recipes[recipe])
    found = evaluated(runs, data, metric)
    return {"set": name, "recipe": recipe, "seeds": SEEDS, "metric": metric, **found}


def evaluated(runs: Sequence[Path], data: Path, metric: str) -> dict[str, Any]:
    """The mean over the runs beside the others, on the same resamples."""
    also = [word for run in runs[1:] for word in ("--average-with", str(run))]
    probe = ("--evaluation.probe.name", "logistic", "--evaluation.probe.metric", metric)
    asked = ("--labels", str(data / "labels.csv"), "--name", metric, *probe, *also, "--json")
    found = json.loads(unlabeled("evaluate", str(runs[0]), str(data), *asked))
    return {key: found[key] for key in ("items", "groups", "rows", "comparisons")}


def pneumonia() -> Path:
    """5,030 chest films of children, 28 pixels a side, in the split of the file."""
    folder = CACHE / "pneumonia"
    if (folder / "labels.csv").exists():
        return folder
    root = data_folder("pneumonia_mnist")
    arrays = np.load(root / "pneumoniamnist_28.npz", allow_pickle=False)
    rows = []
    for part in ("train", "val", "test"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        pairs = zip(arrays[f"{part}_images"], arrays[f"{part}_labels"], strict=True)
        for number, (pixels, label) in enumerate(pairs):
            item = f"{part}/{number:04d}.png"
            Image.fromarray(pixels).save(folder / item)
            rows.append({"item": item, "pneumonia": ("no", "yes")[int(label[0])], "split": part})
    return with_labels(folder, rows)


def haxby() -> Path:
    """1,452 functional images of one person in 12 runs, a file each, 40 × 20 voxels, zero outside
    the brain; what was seen in 864 of them. Runs 9 to 11 are tested; groups are blocks of 9 images,
    as three runs are too few to draw from."""
    folder = CACHE / "haxby"
    if (folder / "labels.csv").exists():
        return folder
    root = data_folder("haxby_fmri_slice")
    bold = nibabel.load(root / "bold.nii.gz")
    brain = np.asarray(nibabel.load(root / "mask.nii.gz").dataobj).squeeze(-1) > 0
    values = np.asarray(bold.dataobj.get_unscaled()) * brain[..., None, None]
    with (root / "volumes.csv").open() as file:
        shown = list(csv.DictReader(file))
    rows = []
    for run in range(12):
        places = [place for place, row in enumerate(shown) if int(row["run"]) == run]
        part = "train" if run < 9 else "test"
        item = f"{part}/sub-1_run-{run:02d}_bold.nii.gz"
        (folder / part).mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(values[..., places], bold.affine), folder / item)
        for frame, place in enumerate(places):
            seen = shown[place]["condition"]
            if seen != "rest":
                named = {"item": f"{item}#frame={frame}", "seen": seen}
                rows.append({**named, "group": f"{run} {seen}", "split": part})
    return with_labels(folder, rows)


def with_labels(folder: Path, rows: list[dict[str, str]]) -> Path:
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def data_folder(name: str) -> Path:
    if "UNLABELED_DATA" not in os.environ:
        sys.exit(f"UNLABELED_DATA: expected the folder that holds medical/{name}")
    return Path(os.environ["UNLABELED_DATA"]) / "medical" / name


SETS = {
    "pneumonia": Set(
        pneumonia,
        {"simclr_images": (), "vicreg_images": ()},
        ("roc_auc", "balanced_accuracy"),
    ),
    "haxby": Set(haxby, {"vicreg_fmri": ("--encoder.grid", "[40, 20]")}, ("accuracy",)),
}


def unlabeled(*arguments: str) -> str:
    print("unlabeled", *arguments, file=sys.stderr)
    done = subprocess.run([UNLABELED, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}


def markdown(results: list[dict[str, Any]]) -> str:
    """One row per recipe, metric and candidate; in brackets what each seed has."""
    head = "| set | recipe | metric | embedding | score | pretrained − this |"
    lines = [head, "|" + "---|" * 6]
    for result in results:
        compared = {each["against"]: each for each in result["comparisons"]}
        for row in result["rows"]:
            gap = ""
            if each := compared.get(row["name"]):
                low, high = each["interval"]["low"], each["interval"]["high"]
                gap = f"{each['difference']:+.3f} ({low:+.3f} to {high:+.3f}) {each['outcome']}"
            own = " ".join(f"{score:.3f}" for score in row["scores"])
            score = f"{row['score']:.3f}" + (f" ({own})" if own else "")
            place = " | ".join(result[key] for key in ("set", "recipe", "metric"))
            lines.append(f"| {place} | {row['name']} | {score} | {gap} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
