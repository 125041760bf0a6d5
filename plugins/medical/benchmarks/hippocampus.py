"""Pretrain on 160 hippocampus MRI; segment 40 others from few labels, beside random and raw.

run: UNLABELED_DATA=… make bench-hippocampus   (or python hippocampus.py --recipes mae --seeds 1)

UNLABELED_DATA names the folder that holds medical/msd_hippocampus. The training images are copied
once into a plain folder below .cache/bench-hippocampus and go in by `unlabeled pretrain`. Of each
encoder the frozen maps feed one linear head, fitted on 2 or 5 labelled volumes (the same draws
for all); the score is Dice, the mean of both parts, on the 40 validation patients. Intervals:
paired bootstrap over patients of the difference from the mean of 5 random encoders. Raw features
are shown with and without the place of a voxel in the crop, which follows the organ. With
--choose only training patients are labelled and scored, to choose settings by.
What is done already is kept below .cache, so an interrupted call goes on; results/hippocampus.json
is written anew after each encoder.
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
from math import isnan
from pathlib import Path

import nibabel
import numpy as np
import torch
from nibabel.orientations import apply_orientation, io_orientation

import unlabeled
from unlabeled.atomic import write_json
from unlabeled.batch_norm import estimate_batch_norm
from unlabeled.contract import Encoder
from unlabeled.evaluation.bootstrap import interval, resample_scores
from unlabeled.recipe import Recipe, build_encoder, load_recipe
from unlabeled_medical.evaluators.segmentation import (
    DenseProbe,
    Describe,
    Labelled,
    frozen,
    neighbourhood,
    score,
)
from unlabeled_medical.evaluators.voxels import VoxelFeatures
from unlabeled_medical.readers.volumes import Volumes
from unlabeled_medical.volume import Volume

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-hippocampus"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("mae", "vicreg", "simclr", "multi_task", "global_local", "uni4eye")
RAW = ("raw", "raw and place")
LABELLED = (2, 5)
DRAWS = 3
RANDOM = 5
CLASSES = 3
VOXELS = 8_000
CHOSEN_BY = 20
"""Training patients that --choose scores on."""

Fits = dict[str, list[list[tuple[float, float | None]]]]
"""By number of labelled volumes: for each draw of them, Dice and HD95 in mm of each patient; no
HD95 where nothing was found."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), help="or YAML files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="on training patients alone")
    arguments = parser.parse_args()
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("UNLABELED_DATA is not set to the folder that holds medical/msd_hippocampus")
    source = Path(root) / "medical" / "msd_hippocampus"
    parts = splits(source)
    train = copy_images(source, parts["train"])
    if arguments.choose:
        parts = {"train": parts["train"][CHOSEN_BY:], "val": parts["train"][:CHOSEN_BY]}
    judged_in = CACHE / ("chosen" if arguments.choose else "judged")
    found: dict[str, Fits] = {}
    beside: dict[str, str] = {}
    for name, peer, make in contestants(arguments.recipes, arguments.seeds, train):
        found[name] = judged(judged_in, name, make, source, parts)
        beside[name.partition(":")[0]] = peer
        if not arguments.choose:
            write(rows_of(found, beside))
    print(table(rows_of(found, beside)))


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
    recipes: Sequence[str], seeds: int, train: Path
) -> Iterator[tuple[str, str, Callable[[], Describe]]]:
    """Names, those of the random encoders beside them, and what describes a volume.

    Families are told by what stands before the colon.
    """
    yield f"{RAW[0]}:0", "", lambda: neighbourhood
    yield f"{RAW[1]}:0", "", lambda: placed
    shown: set[str] = set()
    for name in recipes:
        recipe = load_recipe(name if name.endswith(".yaml") else f"medical/{name}")
        family = random_family(recipe)
        if family not in shown:
            shown.add(family)
            for seed in range(RANDOM):
                yield f"{family}:{seed}", "", lambda r=recipe, s=seed: frozen(random(r, s, train))
        for seed in range(seeds):
            run = pretrain(recipe, seed, train)
            load = lambda r=run: frozen(unlabeled.load_encoder(r))  # noqa: E731
            yield f"{run.parent.name}:{seed}", family, load


def random_family(recipe: Recipe) -> str:
    """Recipes with the same encoder share their random ones."""
    settings = recipe.encoder.settings.model_dump(exclude_defaults=True)
    said = ", ".join(f"{name} {value}" for name, value in settings.items())
    return f"random {recipe.encoder.name.partition('/')[2]} ({said})".replace("/", "-")


def placed(volume: Volume) -> VoxelFeatures:
    """Raw values, and the place in the crop, which follows the organ: linear and squared."""
    axes = [torch.linspace(-1, 1, length) for length in volume.size]
    place = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    pairs = [place[a] * place[b] for a in range(3) for b in range(a, 3)]
    (values,) = neighbourhood(volume).maps
    return VoxelFeatures([torch.cat([values, place, torch.stack(pairs)])], (1,), volume.size)


def pretrain(recipe: Recipe, seed: int, train: Path) -> Path:
    """By the command line; a run that has finished is taken as it is."""
    run = CACHE / "runs" / Path(recipe.name).stem / str(seed)
    if (run / "encoder" / "config.json").exists():
        return run
    command = [UNLABELED, "pretrain", recipe.name, str(train), "--out", str(run)]
    subprocess.run([*command, "--training.seed", str(seed)], check=True)
    return run


def random(recipe: Recipe, seed: int, train: Path) -> Encoder:
    """Untrained weights, batch-norm statistics of the training images."""
    reader = Volumes.model_validate(recipe.reader.settings.model_dump())
    items = reader.index(train)
    torch.manual_seed(1000 + seed)
    encoder = build_encoder(recipe.encoder.with_facts(reader.describe(items)))
    rng = np.random.default_rng(seed)
    drawn = [reader.read(items[int(i)], rng) for i in rng.permutation(len(items))[:32]]
    batches = [encoder.collate(drawn[start : start + 8]) for start in range(0, 32, 8)]
    estimate_batch_norm(encoder, batches, encoder.outputs[0].name)
    return encoder.eval()


def judged(
    folder: Path,
    name: str,
    make: Callable[[], Describe],
    source: Path,
    parts: Mapping[str, Sequence[str]],
) -> Fits:
    """As `judge` finds, or found when it was interrupted."""
    path = folder / f"{name.replace(':', '-').replace(' ', '-')}.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        started = time.process_time()
        write_json(path, judge(make(), source, parts))
        print(f"{name}: judged in {time.process_time() - started:.0f} s", file=sys.stderr)
    found: Fits = json.loads(path.read_text())
    return found


def judge(describe: Describe, source: Path, parts: Mapping[str, Sequence[str]]) -> Fits:
    """Every volume is described once."""
    remembered = lru_cache(maxsize=256)(describe)  # volumes are compared by identity
    found: Fits = {}
    for count in LABELLED:
        found[str(count)] = []
        for draw in range(DRAWS):
            rng = np.random.default_rng([count, draw])
            drawn = rng.choice(parts["train"], count, replace=False)
            few = [labelled(source, str(name)) for name in drawn]
            predict = DenseProbe(voxels=VOXELS).fit(remembered, few, CLASSES)
            fits = [score(predict, labelled(source, name), CLASSES) for name in parts["val"]]
            found[str(count)].append([[f.dice, None if isnan(f.hd95) else f.hd95] for f in fits])
    return found


@lru_cache(maxsize=256)
def labelled(source: Path, name: str) -> Labelled:
    reader = Volumes()
    volume = reader.read(reader.index(source / "images" / f"{name}.nii.gz")[0])
    image = nibabel.load(source / "labels" / f"{name}.nii.gz")
    mask = apply_orientation(np.asarray(image.dataobj), io_orientation(image.affine))
    return Labelled(volume, mask.astype(np.int64))


def rows_of(found: Mapping[str, Fits], beside: Mapping[str, str]) -> list[dict]:
    """The means over draws and seeds, and intervals of the differences, by patient.

    beside: for each family of pretrained encoders the random ones that it is compared with.
    """
    families: dict[str, list[str]] = {}
    for name in found:
        families.setdefault(name.partition(":")[0], []).append(name)
    rows = []
    for count in map(str, LABELLED):
        fits = {
            family: np.array(
                [np.nanmean(np.array(found[name][count], float), axis=0) for name in members]
            )
            for family, members in families.items()
        }
        for family, each in fits.items():
            row = {"method": family, "labelled": int(count)}
            row |= {"dice": float(each[..., 0].mean()), "seeds": each[..., 0].mean(axis=1).tolist()}
            row["hd95_mm"] = float(np.nanmean(each[..., 1]))
            if beside[family]:
                row["against"] = [
                    compared(each[..., 0].mean(axis=0), fits[other][..., 0].mean(axis=0), other)
                    for other in (beside[family], *RAW)
                ]
            rows.append(row)
    return rows


def compared(dice: np.ndarray, other: np.ndarray, name: str) -> dict:
    """The gain over another, by patient, and its interval."""
    gain = dice - other
    drawn = resample_scores(np.arange(len(gain)), [lambda at: float(gain[at].mean())])
    middle = interval(drawn[:, 0])
    return {"name": name, "gain": float(gain.mean()), "low": middle.low, "high": middle.high}


def write(rows: Sequence[Mapping]) -> None:
    versions = {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}
    settings = {"draws": DRAWS, "voxels": VOXELS, "random": RANDOM}
    today = datetime.date.today().isoformat()
    content = {"date": today, "versions": versions, "settings": settings, "rows": rows}
    (HERE / "results").mkdir(exist_ok=True)
    write_json(HERE / "results" / "hippocampus.json", content)


def table(rows: Sequence[Mapping]) -> str:
    head = (
        "| embedding | labelled | Dice (by seed) | HD95, mm | − random | − raw | − raw and place |"
    )
    lines = [head, "|" + "---|" * 7]
    for row in rows:
        seeds = " ".join(f"{dice:.3f}" for dice in row["seeds"])
        gains = [
            f"{gap['gain']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
            for gap in row.get("against", ())
        ]
        scores = [f"{row['dice']:.3f} ({seeds})", f"{row['hd95_mm']:.2f}"]
        cells = [row["method"], str(row["labelled"]), *scores, *(gains or [""] * 3)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
