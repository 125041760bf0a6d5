"""InfoGraph and GraphCL on small graphs: pretrain and probe, beside random encoders and degrees.

UNLABELED_DATA names the folder that holds graph/tu_mutag and so on. They go in by `unlabeled
pretrain` and `unlabeled evaluate`, with the SVM on 10 folds; scores are means over the seeds of
pretraining. What is done is not done again. Writes results/graph-methods.json beside this file and
prints its table.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from graph_table import CACHE, PACKAGES, ROWS, convert
from node_methods import unlabeled

RESULTS = Path(__file__).parent / "results" / "graph-methods.json"
METHODS = ("infograph", "graphcl")
PROBE = ("--evaluation.probe.name", "graph/svm", "--evaluation.folds", 10)
SETS: dict[str, tuple[object, ...]] = {
    "mutag": (),
    "imdb_binary": ("--reader.features.name", "degree", "--reader.features.cap", 136),
    "proteins": (),
}
"""What the reader must be told of each set."""


def main() -> None:
    """Both methods on all sets, or `graph_methods.py infograph --sets mutag --seeds 1`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", default=list(METHODS))
    arguments.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    arguments.add_argument("--seeds", type=int, default=3)
    given = arguments.parse_args()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"scores": {}}
    for data in given.sets:
        for name in given.names:
            key = f"{name}, {data}, {given.seeds} seeds"
            if key not in found["scores"]:
                found["scores"][key] = judge(name, data, given.seeds)
                found["versions"] = {package: version(package) for package in PACKAGES}
                RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(table(found["scores"]))


def judge(name: str, data: str, seeds: int) -> dict[str, Any]:
    """What `unlabeled evaluate` says of the runs with these seeds."""
    folder = convert(data, ROWS[data])
    runs = [CACHE / "runs" / f"{name}-{data}-{seed}" for seed in range(seeds)]
    for seed, run in enumerate(runs):
        settings = ("--training.seed", seed, "--reader.name", "graph/tu", *SETS[data], *PROBE)
        unlabeled("pretrain", f"graph/{name}", folder, "--out", run, *settings)
    also = [word for run in runs[1:] for word in ("--average-with", run)]
    labels = ("--labels", folder / "labels.csv")
    judged = json.loads(unlabeled("evaluate", runs[0], folder, *labels, *also, "--json"))
    left_out = ("data", "labels", "name", "notes")
    return {key: judged[key] for key in judged if key not in left_out}


def table(scores: dict[str, Any]) -> str:
    """One line per method and set in Markdown: every score, and the difference from random."""
    lines = []
    for key, judged in scores.items():
        names = [row["name"] for row in judged["rows"]]
        if not lines:
            head = ["recipe, set", *names, "pretrained − random (95 %)"]
            lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        cells = [f"{row['score']:.3f}" for row in judged["rows"]]
        against = judged["comparisons"][0]
        low, high = against["interval"]["low"], against["interval"]["high"]
        verdict = f"{against['difference']:+.3f} ({low:+.3f} to {high:+.3f}), {against['outcome']}"
        lines.append("| " + " | ".join([key, *cells, verdict]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
