"""Pretrain GraphMAE on ZINC molecules, and judge it on BBBP, Tox21 and HIV, beside ECFP4.

UNLABELED_DATA names the folder that holds graph/mol_zinc_subset, graph/mol_bbbp and so on. They
are copied once into plain tables below .cache/bench-graph, and go in by `unlabeled pretrain` and
`unlabeled evaluate`, as a user's would. Scores are means over seeds of pretraining, as those of
random encoders are. What is done is not done again. Writes results/molecules.json beside this file,
which keeps what was judged elsewhere, and prints its table.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import IO, Any

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "molecules.json"
CACHE = HERE.parents[2] / ".cache" / "bench-graph"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("graph/graphmae", "graph/graphmae_molecules")
PACKAGES = ("unlabeled", "unlabeled-graph", "torch", "torch-geometric", "rdkit")
FILES = {
    "bbbp": "mol_bbbp/bbbp.csv",
    "tox21": "mol_tox21/tox21.csv",
    "hiv": "mol_hiv/hiv.csv.gz",
}
STRUCTURE, SPLIT = "smiles", "scaffold_split"
SPLITS = (SPLIT, "five_folds")
"""The given split, and 5 folds by scaffold that test every molecule in turn."""


def main() -> None:
    """`graph.py`, or `graph.py --seeds 1 --recipes graph/graphmae --sets bbbp`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    arguments.add_argument("--sets", nargs="+", choices=FILES, default=list(FILES))
    arguments.add_argument("--splits", nargs="+", choices=SPLITS, default=[SPLIT])
    given = arguments.parse_args()
    data = convert(source_folder(), CACHE / "data")
    for recipe in given.recipes:
        runs = [pretrain(data, recipe, seed) for seed in range(given.seeds)]
        for name, split in product(given.sets, given.splits):
            judge(data, name, split, runs)
    result = collect()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result["scores"]))


def source_folder() -> Path:
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA is not set: it names the folder that holds graph/mol_bbbp")
    return Path(os.environ["UNLABELED_DATA"]) / "graph"


def convert(source: Path, folder: Path) -> Path:
    """zinc.smi; of each set the structures, those that an encoder may be adapted to (all where
    every one is tested in turn), and a table of labels for each way to split."""
    if folder.exists():
        return folder
    partial = folder.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shutil.copy(source / "mol_zinc_subset" / "zinc_pretrain.smi", partial / "zinc.smi")
    for name, path in FILES.items():
        convert_set(source / path, partial, name)
    partial.rename(folder)
    return folder


def convert_set(file: Path, folder: Path, name: str) -> None:
    with opened(file) as stream:
        rows = list(csv.DictReader(stream))
    targets = [column for column in rows[0] if column not in (STRUCTURE, SPLIT)]
    write(folder / f"{name}.csv", [STRUCTURE], [[row[STRUCTURE]] for row in rows])
    labels = [
        [f"{name}.csv#{line}", *(row[target] for target in targets)]
        for line, row in enumerate(rows, start=2)  # line 1 is the header
    ]
    write(folder / f"{name}-five_folds.csv", ["item", *targets], labels)
    for part, chosen in (("train", ("train",)), ("all", ("train", "valid", "test"))):
        kept = [[row[STRUCTURE]] for row in rows if row[SPLIT] in chosen]
        write(folder / f"{name}-{part}.csv", [STRUCTURE], kept)
    split = [[*label, row[SPLIT]] for label, row in zip(labels, rows, strict=True)]
    write(folder / f"{name}-{SPLIT}.csv", ["item", *targets, "split"], split)


def opened(file: Path) -> IO[str]:
    return gzip.open(file, "rt", newline="") if file.suffix == ".gz" else file.open(newline="")


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def pretrain(data: Path, recipe: str, seed: int) -> Path:
    """The run of one seed; one that is there already is taken as it is."""
    run = CACHE / "runs" / recipe.partition("/")[2] / f"seed-{seed}"
    if not (run / "minutes").exists():
        started = time.monotonic()
        probe = ("--evaluation.probe.name", "logistic", "--evaluation.probe.metric", "roc_auc")
        flags = ("--training.seed", seed, *probe)
        unlabeled("pretrain", recipe, data / "zinc.smi", "--out", run, *flags)
        (run / "minutes").write_text(f"{(time.monotonic() - started) / 60:.1f}")
    return run


def judge(data: Path, name: str, split: str, runs: list[Path]) -> None:
    """Adapt runs to the training molecules of one set and evaluate them, unless that is done."""
    done = CACHE / "scores" / runs[0].parent.name / f"{name}-{split}-{len(runs)}.json"
    if done.exists():
        return
    part = "train" if split == SPLIT else "all"
    first, *others = (adapt(run, data / f"{name}-{part}.csv") for run in runs)
    labels = data / f"{name}-{split}.csv"
    with labels.open(newline="") as file:
        targets = [word for word in next(csv.reader(file)) if word not in ("item", "split")]
    chosen = [word for target in targets for word in ("--target", target)]
    also = [word for run in others for word in ("--average-with", run)]
    named = ("--labels", labels, "--name", f"{name}-{split}")
    found = unlabeled("evaluate", first, data / f"{name}.csv", *named, *chosen, *also)
    done.parent.mkdir(parents=True, exist_ok=True)
    done.write_text(found)


def adapt(run: Path, molecules: Path) -> Path:
    adapted = run / molecules.stem
    if not adapted.exists():
        unlabeled("update-batch-norm", run, molecules, "--out", adapted)
    return adapted


def collect() -> dict[str, Any]:
    """What was recorded before, and in its place what was judged since."""
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    minutes, scores = before.get("minutes_of_pretraining", {}), {}
    for run in sorted((CACHE / "runs").glob("*/seed-*")):
        if (run / "minutes").exists():
            minutes[str(run.relative_to(CACHE / "runs"))] = float((run / "minutes").read_text())
    for recipe, name, split in product(RECIPES, FILES, SPLITS):
        for found in before.get("scores", []):
            if [found[key] for key in ("recipe", "set", "split")] == [recipe, name, split]:
                scores[recipe, name, split, found["seeds"]] = found
        for file in (CACHE / "scores" / recipe.partition("/")[2]).glob(f"{name}-{split}-*.json"):
            seeds = int(file.stem.split("-")[-1])
            told = {"recipe": recipe, "set": name, "split": split, "seeds": seeds}
            scores[recipe, name, split, seeds] = told | shortened(file)
    return {
        "versions": {name: version(name) for name in PACKAGES},
        "minutes_of_pretraining": minutes,
        "scores": list(scores.values()),
    }


def shortened(file: Path) -> dict[str, Any]:
    """Where the data lay on this machine says nothing about the result."""
    judged = json.loads(file.read_text().replace(f"{HERE.parents[2]}/", ""))
    left_out = ("data", "labels", "name", "seeds")
    return {key: judged[key] for key in judged if key not in left_out}


def unlabeled(*arguments: object) -> str:
    """What a command prints with --json."""
    words = [str(argument) for argument in arguments]
    print("$ unlabeled", *words, flush=True)
    done = subprocess.run(
        [UNLABELED, *words, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def table(scores: list[dict[str, Any]]) -> str:
    """A row per recipe, set and way to split, in Markdown: scores, and gaps to the others."""
    others = ("random encoders", "counts", "ECFP4")
    columns = ("recipe", "set", "pretrained", *others, *(f"− {other}" for other in others))
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    for found in scores:
        where = f"{found['set']}, {found['split'].replace('_', ' ')}"
        gaps = [gap(other) for other in found["comparisons"]]
        cells = [f"`{found['recipe']}`", where, *map(spell, found["rows"]), *gaps]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spell(row: dict[str, Any]) -> str:
    spread = f" ± {row['sd']:.3f}" if row["sd"] is not None else ""
    return f"{row['score']:.3f}{spread}"


def gap(other: dict[str, Any]) -> str:
    low, high = other["interval"]["low"], other["interval"]["high"]
    signed = f"{other['difference']:+.3f} ({low:+.3f} to {high:+.3f}), {other['outcome']}"
    return signed.replace("-", "−")


if __name__ == "__main__":
    main()
