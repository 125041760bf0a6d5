"""Pretrain on 160 hippocampus MRI; segment 40 others from few labels, beside random and raw.

UNLABELED_DATA names the folder that holds medical/msd_hippocampus. The training images are copied
once into a plain folder below .cache/bench-hippocampus and go in by `unlabeled pretrain`. Of each
encoder the frozen maps feed one linear head, fitted on 2 or 5 labelled volumes (the same draws
for all); the score is Dice, the mean of both parts, on the 40 validation patients. Intervals:
paired bootstrap over patients of the difference from the mean of 5 random encoders. Raw features
are shown with and without the place of a voxel in the crop, which follows the organ.
Writes results/<date>-hippocampus.json beside this file and prints its table.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import nibabel
import numpy as np
import torch
from nibabel.orientations import apply_orientation, io_orientation

import unlabeled
from unlabeled.batch_norm import estimate_batch_norm
from unlabeled.contract import Encoder
from unlabeled.evaluation.bootstrap import interval, resample_scores
from unlabeled.recipe import build_encoder, load_recipe
from unlabeled_medical.evaluators.segmentation import (
    DenseProbe,
    Describe,
    Labelled,
    frozen,
    neighbourhood,
    score,
)
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import Volume

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-hippocampus"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("barlow_twins", "vicreg", "simclr", "mae", "multi_task", "global_local")
LABELLED = (2, 5)
DRAWS = 2
RANDOM = 5
CLASSES = 3
VOXELS = 8_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of pretraining, instead of the recipe's")
    arguments = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("UNLABELED_DATA is not set to the folder that holds medical/msd_hippocampus")
    source = Path(root) / "medical" / "msd_hippocampus"
    names = splits(source)
    train = copy_images(source, names["train"])
    rows = dict(contestants(arguments.recipes, arguments.seeds, arguments.steps, train))
    report({name: judged(name, make, source, names) for name, make in rows.items()}, arguments)


def splits(source: Path) -> dict[str, list[str]]:
    with (source / "subjects.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {part: [r["subject"] for r in rows if r["split"] == part] for part in ("train", "val")}


def copy_images(source: Path, names: Sequence[str]) -> Path:
    folder = CACHE / "train"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (folder / f"{name}.nii.gz").exists():
            shutil.copy(source / "images" / f"{name}.nii.gz", folder)
    return folder


def contestants(
    recipes: Sequence[str], seeds: int, steps: int | None, train: Path
) -> Iterator[tuple[str, Callable[[], Describe]]]:
    """By name what describes a volume; families are told by what stands before the colon."""
    yield "raw:0", lambda: neighbourhood
    yield "raw and place:0", lambda: placed
    shown: set[str] = set()
    for recipe in recipes:
        family = "random " + load_recipe(f"medical/{recipe}").encoder.name.partition("/")[2]
        if family not in shown:
            shown.add(family)
            for seed in range(RANDOM):
                yield f"{family}:{seed}", lambda r=recipe, s=seed: frozen(random(r, s, train))
        for seed in range(seeds):
            run = pretrain(recipe, seed, steps, train)
            yield f"{recipe}:{seed}", lambda r=run: frozen(unlabeled.load_encoder(r))


def placed(volume: Volume) -> torch.Tensor:
    """Raw values, and the place in the crop, which follows the organ: linear and squared."""
    axes = [torch.linspace(-1, 1, length) for length in volume.size]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    pairs = [place[a] * place[b] for a in range(3) for b in range(a, 3)]
    return torch.cat([neighbourhood(volume), place, torch.stack(pairs)])


def pretrain(recipe: str, seed: int, steps: int | None, train: Path) -> Path:
    """By the command line; a run that has finished is taken as it is."""
    run = CACHE / f"runs-{steps or 'full'}" / f"{recipe}-{seed}"
    more = [] if steps is None else ["--training.steps", str(steps)]
    command = [UNLABELED, "pretrain", f"medical/{recipe}", str(train), "--out", str(run)]
    subprocess.run([*command, "--training.seed", str(seed), *more], check=True)
    return run


def random(recipe: str, seed: int, train: Path) -> Encoder:
    """Untrained weights, batch-norm statistics of the training images."""
    loaded = load_recipe(f"medical/{recipe}")
    reader = Volumes.model_validate(loaded.reader.settings.model_dump())
    items = reader.index(train)
    torch.manual_seed(1000 + seed)
    encoder = build_encoder(loaded.encoder.with_facts(reader.describe(items)))
    rng = np.random.default_rng(seed)
    drawn = [reader.read(items[int(i)], rng) for i in rng.permutation(len(items))[:32]]
    batches = [encoder.collate(drawn[start : start + 8]) for start in range(0, 32, 8)]
    estimate_batch_norm(encoder, batches, encoder.outputs[0].name)
    return encoder.eval()


def judged(
    name: str, make: Callable[[], Describe], source: Path, names: Mapping[str, Sequence[str]]
) -> dict[str, list[list[list[float]]]]:
    """As `judge` finds, or found when it was interrupted: .cache/bench-hippocampus/judged."""
    path = CACHE / "judged" / f"{name.replace(':', '-').replace(' ', '-')}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(judge(make, source, names)))
    found: dict[str, list[list[list[float]]]] = json.loads(path.read_text())
    return found


def judge(
    make: Callable[[], Describe], source: Path, names: Mapping[str, Sequence[str]]
) -> dict[str, list[list[list[float]]]]:
    """By number of labelled volumes: for each draw, [Dice, HD95 in mm] of each patient."""
    describe = make()
    remembered = lru_cache(maxsize=64)(describe)  # volumes are compared by identity

    found: dict[str, list[list[list[float]]]] = {}
    for count in LABELLED:
        found[str(count)] = []
        for draw in range(DRAWS):
            rng = np.random.default_rng([count, draw])
            drawn = rng.choice(names["train"], count, replace=False)
            few = [labelled(source, str(name)) for name in drawn]
            predict = DenseProbe(voxels=VOXELS).fit(remembered, few, CLASSES)
            fits = [score(predict, labelled(source, name), CLASSES) for name in names["val"]]
            found[str(count)].append([[fit.dice, fit.hd95] for fit in fits])
    return found


@lru_cache(maxsize=256)
def labelled(source: Path, name: str) -> Labelled:
    reader = Volumes()
    volume = reader.read(reader.index(source / "images" / f"{name}.nii.gz")[0])
    image = nibabel.load(source / "labels" / f"{name}.nii.gz")
    mask = apply_orientation(np.asarray(image.dataobj), io_orientation(image.affine))
    return Labelled(volume, mask.astype(np.int64))


def report(found: Mapping[str, Mapping[str, list]], arguments: argparse.Namespace) -> None:
    """The mean over draws and seeds, and the interval of the difference from random encoders."""
    families: dict[str, list[str]] = {}
    for name in found:
        families.setdefault(name.partition(":")[0], []).append(name)
    rows = []
    for count in map(str, LABELLED):
        by_family = {
            family: np.mean([np.nanmean(found[name][count], axis=0) for name in members], axis=0)
            for family, members in families.items()
        }
        for family, fits in by_family.items():
            kind = "random vit" if family == "mae" else "random residual"
            dice, hd95 = fits[:, 0], fits[:, 1]
            row = {
                "method": family,
                "labelled": int(count),
                "dice": float(dice.mean()),
                "hd95_mm": float(np.nanmean(hd95)),
            }
            if kind in by_family and family != kind and not family.startswith("raw"):
                gain = dice - by_family[kind][:, 0]
                patients = np.arange(len(gain))
                drawn = resample_scores(patients, [lambda at, g=gain: float(g[at].mean())])
                middle = interval(drawn[:, 0])
                row |= {"against": kind, "low": middle.low, "high": middle.high}
            rows.append(row)
    write(rows, found, arguments)


def write(rows: list[dict], found: Mapping, arguments: argparse.Namespace) -> None:
    stamp = datetime.date.today().isoformat()
    path = HERE / "results" / f"{stamp}-hippocampus.json"
    path.parent.mkdir(exist_ok=True)
    versions = {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}
    settings = {"seeds": arguments.seeds, "steps": arguments.steps, "draws": DRAWS}
    content = {"rows": rows, "versions": versions, "settings": settings, "all": found}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\n{'method':18} labelled  Dice   HD95 mm  gain over random (95 % interval)")
    for row in rows:
        gain = f"[{row['low']:+.3f}, {row['high']:+.3f}]" if "low" in row else ""
        name, count, dice, hd95 = (row[key] for key in ("method", "labelled", "dice", "hd95_mm"))
        print(f"{name:18} {count:8d}  {dice:.3f}  {hd95:7.2f}  {gain}")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
