"""Pretrain GraphMAE on ZINC molecules, and judge it on BBBP beside random encoders and ECFP4.

UNLABELED_DATA names the folder that holds graph/mol_zinc_subset and graph/mol_bbbp. Both are
copied once into plain tables below .cache/bench-graph, and go in by `unlabeled pretrain` and
`unlabeled evaluate`, as a user's would. A seed that is done is not done again. Writes
results/molecules-<date>.json beside this file and prints its table.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-graph"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPE = "graph/graphmae"
PACKAGES = ("unlabeled", "unlabeled-graph", "torch", "torch-geometric", "rdkit")


def main() -> None:
    """`graph.py`, or `graph.py --seeds 1 --steps 100`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--steps", type=int, default=200)
    given = arguments.parse_args()
    data = convert(source_folder(), CACHE / "data")
    runs = [judge(data, seed, given.steps) for seed in range(given.seeds)]
    result = {
        "recipe": RECIPE,
        "steps": given.steps,
        "versions": {name: version(name) for name in PACKAGES},
        "runs": runs,
    }
    file = HERE / "results" / f"molecules-{datetime.date.today()}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n")
    print(table(runs), f"written to {file}", sep="\n")


def source_folder() -> Path:
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA is not set: it names the folder that holds graph/mol_bbbp")
    return Path(os.environ["UNLABELED_DATA"]) / "graph"


def convert(source: Path, folder: Path) -> Path:
    """zinc.smi, bbbp.csv (structures only) and two tables of labels: by split and by fold."""
    if folder.exists():
        return folder
    partial = folder.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shutil.copy(source / "mol_zinc_subset" / "zinc_pretrain.smi", partial / "zinc.smi")
    with (source / "mol_bbbp" / "bbbp.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    write(partial / "bbbp.csv", ["smiles"], [[row["smiles"]] for row in rows])
    numbered = list(enumerate(rows, start=2))  # line 1 is the header
    labels = [[f"bbbp.csv#{line}", row["p_np"]] for line, row in numbered]
    write(partial / "five_folds.csv", ["item", "p_np"], labels)
    split = [[*label, row["scaffold_split"]] for label, row in zip(labels, rows, strict=True)]
    write(partial / "scaffold_split.csv", ["item", "p_np", "split"], split)
    partial.rename(folder)
    return folder


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def judge(data: Path, seed: int, steps: int) -> dict[str, Any]:
    """Pretrain with one seed and evaluate on both splits; what is there already is read."""
    run = CACHE / "runs" / f"{steps}-steps-seed-{seed}"
    started = time.monotonic()
    flags = ("--training.steps", steps, "--training.seed", seed)
    probe = ("--evaluation.probe.name", "logistic", "--evaluation.probe.metric", "roc_auc")
    if not (run / "encoder").exists():
        unlabeled("pretrain", RECIPE, data / "zinc.smi", "--out", run, *flags, *probe)
    minutes = (time.monotonic() - started) / 60
    found = {"seed": seed, "minutes_of_pretraining": round(minutes, 1)}
    for name in ("scaffold_split", "five_folds"):
        file = run / f"{name}.json"
        if not file.exists():
            labels = ("--labels", data / f"{name}.csv", "--name", name)
            file.write_text(unlabeled("evaluate", run, data / "bbbp.csv", *labels))
        judged = json.loads(file.read_text())
        # Where the data lay on this machine says nothing about the result.
        found[name] = {key: judged[key] for key in judged if key not in ("data", "labels")}
    return found


def unlabeled(*arguments: object) -> str:
    """What a command prints with --json."""
    words = [str(argument) for argument in arguments]
    print("$ unlabeled", *words, flush=True)
    done = subprocess.run(
        [UNLABELED, *words, "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def table(runs: list[dict[str, Any]]) -> str:
    """One line per seed and split: every score, and what the comparison with random says."""
    lines = []
    for run in runs:
        for name in ("scaffold_split", "five_folds"):
            found = run[name]
            scores = "  ".join(f"{row['name']} {row['score']:.3f}" for row in found["rows"])
            against = found["comparisons"][0]
            low, high = against["interval"]["low"], against["interval"]["high"]
            verdict = (
                f"{against['outcome']} {against['difference']:+.3f} ({low:+.3f} to {high:+.3f})"
            )
            lines.append(f"{name}, seed {run['seed']}: {found['metric']}  {scores}  {verdict}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
