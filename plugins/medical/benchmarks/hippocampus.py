"""Pretrain on 160 hippocampus MRI; segment 40 others from few labels, beside random and raw.

run: UNLABELED_DATA=… make bench-hippocampus   (or python hippocampus.py --recipes mae --seeds 1)

UNLABELED_DATA names the folder that holds medical/msd_hippocampus. The training images are copied
once into a plain folder below .cache/bench-hippocampus and go in by `unlabeled pretrain`. Of each
encoder the frozen maps feed one linear head, fitted on 2 or 5 labelled volumes (the same draws
for all); the score is Dice, the mean of both parts, on the 40 validation patients. Intervals:
paired bootstrap over patients of the difference from the mean of 5 random encoders, and from raw
voxels, with and without their place in the crop, which follows the organ. Encoders of --tuned are
trained with their head instead, beside training from scratch, each seed on another of the draws.
With --choose only training patients are labelled and scored, to choose settings by.
What is done already is kept below .cache, so an interrupted call goes on; results/hippocampus.json
is written anew after each encoder, and rows of other recipes stay.
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
from dataclasses import dataclass
from importlib.metadata import version
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
from unlabeled_medical.assessments.dense_probe import Labelled
from unlabeled_medical.assessments.few_labels import Fitting, Volumetric, few_fits, probing, tuning
from unlabeled_medical.assessments.voxels import frozen, neighbourhood, placed
from unlabeled_medical.readers.volumes import Volumes

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("multi_task", "global_local", "simclr", "vicreg")
RAW, PLACED, TUNED, SCRATCH = "raw voxels", "raw voxels and place", ", fine-tuned", ", from scratch"
LABELLED = (2, 5)
DRAWS = 3
RANDOM = 5
CHOSEN_BY = 20
"""Training patients that --choose scores on."""


@dataclass(frozen=True)
class Experiment:
    """What is pretrained on, labelled and tested.

    name: of the results and of the folder below .cache; train: goes in by `unlabeled pretrain`;
    overrides: of the recipes there.
    """

    name: str
    train: Path
    pool: Volumetric
    tested: Volumetric
    classes: int
    overrides: Mapping[str, Mapping[str, int]]
    labelled: Sequence[int]


@dataclass(frozen=True)
class Candidate:
    """family: those whose mean is judged, told apart by number; against: families that this one
    is compared with; draws: of labelled volumes, by number."""

    family: str
    number: int
    make: Callable[[], Fitting]
    against: tuple[str, ...] = ()
    draws: Sequence[int] = range(DRAWS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), help="or YAML files")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tuned", nargs="*", default=[], help="recipes to be fine-tuned")
    parser.add_argument("--steps", type=int, default=60, help="of fine-tuning")
    parser.add_argument("--choose", action="store_true", help="on training patients alone")
    asked = parser.parse_args()
    experiment = hippocampus(choose=asked.choose)
    run(experiment, asked.recipes, asked.seeds, asked.tuned, asked.steps, keep=not asked.choose)


def hippocampus(*, choose: bool) -> Experiment:
    root = os.environ.get("UNLABELED_DATA")
    if not root:
        sys.exit("UNLABELED_DATA is not set to the folder that holds medical/msd_hippocampus")
    source = Path(root) / "medical" / "msd_hippocampus"
    with (source / "subjects.csv").open() as file:
        split = {row["subject"]: row["split"] for row in csv.DictReader(file)}
    train, tested = ([n for n, part in split.items() if part == p] for p in ("train", "val"))
    folder = CACHE / "bench-hippocampus" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    for name in train:
        if not (folder / f"{name}.nii.gz").exists():
            shutil.copy(source / "images" / f"{name}.nii.gz", folder)
    pool, tested = (train[CHOSEN_BY:], train[:CHOSEN_BY]) if choose else (train, tested)
    pools = [
        Volumetric([labelled(source, name) for name in names], np.array(names))
        for names in (pool, tested)
    ]
    return Experiment("hippocampus", folder, *pools, 3, {}, LABELLED)


def labelled(source: Path, name: str) -> Labelled:
    reader = Volumes()
    volume = reader.read(reader.index(source / "images" / f"{name}.nii.gz")[0])
    image = nibabel.load(source / "labels" / f"{name}.nii.gz")
    mask = apply_orientation(np.asarray(image.dataobj), io_orientation(image.affine))
    return Labelled(volume, mask.astype(np.int64))


def run(
    experiment: Experiment,
    recipes: Sequence[str],
    seeds: int,
    tuned: Sequence[str] = (),
    steps: int = 60,
    *,
    keep: bool = True,
) -> None:
    """Judge, print, and keep the results."""
    found: dict[str, list[np.ndarray]] = {}
    against: dict[str, tuple[str, ...]] = {}
    rows: list[dict] = []
    for each in candidates(experiment, recipes, seeds, tuned, steps):
        found.setdefault(each.family, []).append(
            judged(experiment, each, "" if keep else "-chosen")
        )
        against[each.family] = each.against
        rows = rows_of(experiment, found, against)
        if keep:
            rows = write(experiment, rows)
    print(table(rows))


def candidates(
    experiment: Experiment, recipes: Sequence[str], seeds: int, tuned: Sequence[str], steps: int
) -> Iterator[Candidate]:
    yield Candidate(RAW, 0, lambda: probing(neighbourhood))
    yield Candidate(PLACED, 0, lambda: probing(placed(neighbourhood)))
    shown: set[str] = set()
    for name in recipes:
        recipe = recipe_of(experiment, name)
        family = random_family(recipe)
        for seed in range(RANDOM) if family not in shown else ():
            make = lambda r=recipe, s=seed: random(r, s, experiment.train)  # noqa: E731
            yield Candidate(family, seed, lambda m=make: probing(frozen(m())))
        shown.add(family)
        for seed in range(seeds):
            folder = pretrain(experiment, recipe, seed)
            fit = lambda f=folder: probing(frozen(unlabeled.load_encoder(f)))  # noqa: E731
            yield Candidate(folder.parent.name, seed, fit, (family, RAW, PLACED))
    for name in tuned:
        recipe = recipe_of(experiment, name)
        for seed in range(seeds):
            folder, draw = pretrain(experiment, recipe, seed), (seed % DRAWS,)
            method, scratch = folder.parent.name, f"{folder.parent.name}{SCRATCH}"
            fit = lambda r=recipe, s=seed: tuning(random(r, s, experiment.train), steps)  # noqa: E731
            yield Candidate(scratch, seed, fit, (), draw)
            fit = lambda f=folder: tuning(unlabeled.load_encoder(f), steps)  # noqa: E731
            yield Candidate(f"{method}{TUNED}", seed, fit, (scratch, RAW, PLACED), draw)


def recipe_of(experiment: Experiment, name: str) -> Recipe:
    return load_recipe(name if name.endswith(".yaml") else f"medical/{name}", experiment.overrides)


def random_family(recipe: Recipe) -> str:
    """Recipes with the same encoder share their random ones."""
    settings = recipe.encoder.settings.model_dump(exclude_defaults=True)
    said = ", ".join(f"{name} {value}" for name, value in settings.items())
    return f"random {recipe.encoder.name.partition('/')[2]} ({said})".replace("/", "-")


def pretrain(experiment: Experiment, recipe: Recipe, seed: int) -> Path:
    """By the command line; a run that has finished is taken as it is."""
    run = CACHE / f"bench-{experiment.name}" / "runs" / Path(recipe.name).stem / str(seed)
    if (run / "encoder" / "config.json").exists():
        return run
    command = [UNLABELED, "pretrain", recipe.name, str(experiment.train), "--out", str(run)]
    for section, settings in experiment.overrides.items():
        for name, value in settings.items():
            command += [f"--{section}.{name}", str(value)]
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


def judged(experiment: Experiment, candidate: Candidate, suffix: str) -> np.ndarray:
    """As `few_fits` finds, or found when it was interrupted."""
    name = f"{candidate.family}-{candidate.number}".replace(" ", "-")
    path = CACHE / f"bench-{experiment.name}" / f"judged{suffix}" / f"{name}.npy"
    if path.exists():
        return np.load(path)
    started = time.process_time()
    sets = experiment.pool, experiment.tested, experiment.classes, experiment.labelled
    fits = few_fits(candidate.make(), *sets, candidate.draws)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, fits)
    dice = " ".join(f"{mean:.3f}" for mean in fits[..., 0].mean(axis=1))
    print(f"{name}: {dice}, in {time.process_time() - started:.0f} s", file=sys.stderr, flush=True)
    return fits


def rows_of(
    experiment: Experiment,
    found: Mapping[str, Sequence[np.ndarray]],
    against: Mapping[str, Sequence[str]],
) -> list[dict]:
    """The means over draws and seeds, and intervals of the differences, by patient."""
    rows = []
    for family, each in found.items():
        for place, count in enumerate(experiment.labelled):
            fits = np.stack(each)[:, place]
            row = {"method": family, "labelled": count, "dice": float(fits[..., 0].mean())}
            row["seeds"] = fits[..., 0].mean(axis=1).tolist()
            row["hd95"] = float(np.nanmean(fits[..., 1]))
            row["against"] = [
                compared(
                    experiment.tested.patients,
                    fits[..., 0].mean(axis=0),
                    np.stack(found[other])[:, place, :, 0].mean(axis=0),
                    other,
                )
                for other in against[family]
            ]
            rows.append(row)
    return rows


def compared(patients: np.ndarray, dice: np.ndarray, other: np.ndarray, name: str) -> dict:
    """The gain over another, and its interval."""
    gain = dice - other
    drawn = resample_scores(patients, [lambda at: float(gain[at].mean())])
    middle = interval(drawn[:, 0])
    return {"name": name, "gain": float(gain.mean()), "low": middle.low, "high": middle.high}


def write(experiment: Experiment, rows: Sequence[dict]) -> list[dict]:
    """Rows of methods that were measured before and not now stay; returns all."""
    path = HERE / "results" / f"{experiment.name}.json"
    path.parent.mkdir(exist_ok=True)
    settings = {"draws": DRAWS, "random": RANDOM, "overrides": experiment.overrides}
    before = json.loads(path.read_text()) if path.exists() else {}
    anew = {row["method"] for row in rows}
    kept = before["rows"] if before.get("settings") == settings else []
    rows = [*(row for row in kept if row["method"] not in anew), *rows]
    versions = {name: version(name) for name in ("unlabeled", "unlabeled-medical", "torch")}
    today = datetime.date.today().isoformat()
    write_json(path, {"date": today, "versions": versions, "settings": settings, "rows": rows})
    return rows


def table(rows: Sequence[Mapping]) -> str:
    lines = ["| embedding | labelled | Dice (by seed) | HD95, mm | better by (95 %) |"]
    lines.append("|" + "---|" * 5)
    for row in rows:
        seeds = " ".join(f"{dice:.3f}" for dice in row["seeds"])
        gains = "; ".join(
            f"{gap['name']} {gap['gain']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
            for gap in row["against"]
        )
        scores = [f"{row['dice']:.3f} ({seeds})", f"{row['hd95']:.2f}"]
        lines.append(f"| {' | '.join([row['method'], str(row['labelled']), *scores, gains])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
