"""Methods for nodes on Cora: pretrain each recipe and probe it, beside random encoders and SGC.

UNLABELED_DATA names the folder that holds graph/cora. Cora goes in by `unlabeled pretrain` and
`unlabeled evaluate`: logistic regression on the 140 training nodes of the public split, its
penalty chosen among them, tested on 1,000. A seed that is done is not done again. Writes
results/node-methods.json beside this file and prints its table.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from graph_table import CACHE, PACKAGES, ROWS, UNLABELED, convert

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "node-methods.json"
METHODS = ("cca_ssg", "dgi", "maskgae", "grace", "graphmae2", "bgrl")


def main() -> None:
    """All methods in the order of their cost, or `node_methods.py cca_ssg dgi --seeds 3`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", default=list(METHODS))
    arguments.add_argument("--seeds", type=int, default=1)
    given = arguments.parse_args()
    data = convert("cora", ROWS["cora"])
    for name in given.names:
        for seed in range(given.seeds):
            found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"methods": {}}
            done = found["methods"].setdefault(name, {})
            if str(seed) not in done:
                done[str(seed)] = judge(name, data, seed)
                found["versions"] = {package: version(package) for package in PACKAGES}
                RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(table(json.loads(RESULTS.read_text())["methods"]))


def judge(name: str, data: Path, seed: int) -> dict[str, Any]:
    """What `unlabeled evaluate` says of a run with this seed."""
    run = CACHE / "runs" / f"{name}-{seed}"
    unlabeled("pretrain", f"graph/{name}", data, "--out", run, "--training.seed", seed)
    said = unlabeled("evaluate", run, data, "--labels", data / "labels.csv", "--json")
    judged = json.loads(said)
    manifest = json.loads((run / "manifest.json").read_text())
    kept = {key: judged[key] for key in judged if key not in ("data", "labels")}
    return {**kept, "minutes": round(manifest["seconds"] / 60, 1)}


def unlabeled(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    print("$ unlabeled", *words, file=sys.stderr, flush=True)
    done = subprocess.run([UNLABELED, *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def table(methods: dict[str, dict[str, Any]]) -> str:
    """One line per method in Markdown: every score, and what the comparison with random says."""
    lines = []
    for name, seeds in methods.items():
        runs = list(seeds.values())
        names = [row["name"] for row in runs[0]["rows"]]
        if not lines:
            lines = [
                "| recipe | seeds | "
                + " | ".join([*names, "pretrained − random (95 %)", "minutes"])
                + " |",
                "|" + "---|" * (len(names) + 4),
            ]
        scores = [
            f"{statistics.mean(run['rows'][place]['score'] for run in runs):.3f}"
            for place in range(len(names))
        ]
        against = runs[0]["comparisons"][0]
        low, high = against["interval"]["low"], against["interval"]["high"]
        verdict = f"{against['difference']:+.3f} ({low:+.3f} to {high:+.3f}), {against['outcome']}"
        minutes = f"{statistics.mean(run['minutes'] for run in runs):.1f}"
        lines.append("| " + " | ".join([name, str(len(runs)), *scores, verdict, minutes]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
