"""Every objective of paired views and every masked method, in four domains, at one equal budget.

run: UNLABELED_DATA=… make grid   (or python benchmarks/grid/grid.py --sets fsdd --methods vicreg)

A cell is one method on one set: three pretrainings of two minutes of processor time each, without
labels, then `unlabeled evaluate` of the three beside three random encoders of the same architecture
and the baselines. Steps are what two minutes hold, from the difference of a long and a short trial
run, so start-up and indexing do not count. A finished cell is a file of results/, and is not
measured again; an interrupted grid goes on where it stopped. --table writes docs/grid.md.
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import shutil
import subprocess
import sys
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from methods import Recipe, methods
from sets import CACHE, ROOT, SETS, LabelledSet
from table import write_table

RESULTS = Path(__file__).parent / "results"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
BUDGET = 120.0
"""Seconds of processor time of one pretraining."""
SEEDS = (0, 1, 2)
TRIALS = (4, 24)
"""Steps of the two runs from whose difference the time of a step is taken."""
LEAST, MOST = 20, 20_000


def main() -> None:
    """`grid.py`, or `grid.py --sets fsdd esc10 --methods nt_xent byol`, or `grid.py --table`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=None)
    parser.add_argument("--table", action="store_true", help="only write docs/grid.md")
    asked = parser.parse_args()
    if not asked.table:
        for name, method in cells(asked.sets, asked.methods):
            measure(name, method)
    write_table(RESULTS, ROOT / "docs")


def cells(sets: list[str], chosen: list[str] | None) -> list[tuple[str, str]]:
    """Those without a result, method by method, so that every domain fills alike."""
    every = {name: list(methods(SETS[name].domain)) for name in sets}
    longest = max(map(len, every.values()))
    found = [
        (n, every[n][place]) for place, n in product(range(longest), sets) if place < len(every[n])
    ]
    return [
        (name, method)
        for name, method in found
        if (not chosen or method in chosen) and not result(name, method).exists()
    ]


def result(name: str, method: str) -> Path:
    return RESULTS / name / f"{method}.json"


def measure(name: str, method: str) -> None:
    """Pretrain and evaluate one cell; an error is a result too, and is tried again next time."""
    chosen, work = SETS[name], CACHE / "runs" / name / method
    folder = chosen.folder(name)
    recipe = recipe_of(chosen, method)
    work.mkdir(parents=True, exist_ok=True)
    try:
        steps = steps_in_budget(recipe, folder, work)
        runs = [pretrain(recipe, folder, work, seed, steps) for seed in SEEDS]
        found = evaluate(chosen, runs, folder)
    except subprocess.CalledProcessError as error:
        print(f"{name} {method}: {error.stderr[-2000:]}", file=sys.stderr)
        return
    keep = ("task", "metric", "items", "groups", "rows", "comparisons", "collapsed")
    said = {key: found[key] for key in keep if key in found}
    about = {"set": name, "domain": chosen.domain, "method": method, "groups_are": chosen.groups}
    spent = {"steps": steps, "budget_s": BUDGET, "seeds": list(SEEDS)}
    result(name, method).parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**about, **spent, "versions": versions(), **said}, indent=1)
    result(name, method).write_text(text + "\n")
    shutil.rmtree(work)


def recipe_of(chosen: LabelledSet, method: str) -> Recipe:
    recipe = copy.deepcopy(methods(chosen.domain)[method])
    merge(recipe, chosen.own)
    if "views" in recipe and "size" in chosen.two_views:
        recipe["views"][0]["steps"][0]["size"] = chosen.two_views["size"]
    if "views" not in recipe:
        merge(recipe, chosen.masked)
    recipe["evaluation"]["baselines"] += chosen.baselines
    recipe["evaluation"]["random_encoders"] = 3
    return recipe


def merge(recipe: Recipe, changes: Recipe) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            merge(recipe.setdefault(key, {}), value)
        else:
            recipe[key] = value


def steps_in_budget(recipe: Recipe, folder: Path, work: Path) -> int:
    """How many steps two minutes of processor time hold; kept, so that all seeds take as many."""
    kept = work / "steps"
    if not kept.exists():
        short, long = (trial(recipe, folder, work, steps) for steps in TRIALS)
        each = max((long - short) / (TRIALS[1] - TRIALS[0]), 1e-4)
        kept.write_text(str(int(min(max(BUDGET / each, LEAST), MOST))))
    return int(kept.read_text())


def trial(recipe: Recipe, folder: Path, work: Path, steps: int) -> float:
    """Seconds of processor time."""
    before = processor_seconds()
    out = work / "trial"
    shutil.rmtree(out, ignore_errors=True)
    run_recipe(recipe, folder, out, 0, steps)
    shutil.rmtree(out)
    return processor_seconds() - before


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def pretrain(recipe: Recipe, folder: Path, work: Path, seed: int, steps: int) -> Path:
    """The run of a seed; a stopped one is resumed, a finished one is taken as it is."""
    out = work / str(seed)
    if not (out / "encoder").exists():
        if (out / "run.json").exists():
            unlabeled("pretrain", "--resume", out)
        else:
            shutil.rmtree(out, ignore_errors=True)
            run_recipe(recipe, folder, out, seed, steps)
    return out


def run_recipe(recipe: Recipe, folder: Path, out: Path, seed: int, steps: int) -> None:
    recipe = copy.deepcopy(recipe)
    recipe["training"] |= {"seed": seed, "steps": steps}
    file = out.parent / "recipe.yaml"
    file.write_text(yaml.safe_dump(recipe, sort_keys=False))
    unlabeled("pretrain", file, folder / "data", "--out", out)


def evaluate(chosen: LabelledSet, runs: list[Path], folder: Path) -> dict[str, Any]:
    first, *others = runs
    also = [word for run in others for word in ("--average-with", run)]
    labels = ("--labels", folder / "labels.csv")
    said = unlabeled("evaluate", first, folder / "data", *labels, *also, *chosen.flags, "--json")
    found: dict[str, Any] = json.loads(said)
    return found


def unlabeled(*arguments: object) -> str:
    words = [UNLABELED, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "torch", "scikit-learn")}


if __name__ == "__main__":
    main()
