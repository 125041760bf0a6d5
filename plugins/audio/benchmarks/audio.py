"""Pretrain the tiny recipes on real sound; judge them beside random encoders and raw features.

UNLABELED_DATA names the folder that holds audio/fsdd and audio/esc10. Each set is copied once into
a plain folder with a labels table below .cache/bench-audio, and goes in by `unlabeled pretrain`
and `unlabeled evaluate`, as a user's would. Writes results/<date>.json beside this file and prints
its table.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-audio"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RECIPES = ("ssast", "tera", "masked_autoencoder")


@dataclass(frozen=True)
class Benchmark:
    """rows: of the labels table, and the file each is copied from; train: the part of the folder
    that is pretrained on; few: labels per class, from train/, of further tests on test/; pretrain
    and evaluate: flags of these commands."""

    target: str
    rows: Callable[[Path], Iterator[tuple[Path, dict[str, str]]]]
    train: str
    pretrain: tuple[str, ...] = ()
    evaluate: tuple[str, ...] = ()
    few: tuple[int, ...] = ()


def fsdd(source: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """3,000 spoken digits; groups are the six speakers."""
    for row in table(source):
        item = f"{row['split']}/{Path(row['path']).name}"
        yield source / row["path"], {"item": item, "digit": row["digit"], "group": row["speaker"]}


def esc10(source: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """400 environmental sounds; groups are recordings, which share a fold."""
    for row in table(source):
        labels = {"item": Path(row["path"]).name, "sound": row["label_name"]}
        yield source / row["path"], {**labels, "group": row["source_clip_id"], "fold": row["fold"]}


SETS = {
    "fsdd": Benchmark(
        target="digit",
        rows=fsdd,
        train="train",
        pretrain=("--reader.sample-rate", "8000"),
        evaluate=("--evaluation.folds", "6"),
        few=(1, 5, 10),
    ),
    "esc10": Benchmark(
        target="sound",
        rows=esc10,
        train="",
        pretrain=("--training.samples-per-item", "6"),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    path = HERE / "results" / f"{datetime.date.today()}.json"
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text())["results"] if path.exists() else []
    for run in itertools.product(asked.sets, asked.recipes, asked.seeds):
        others = [r for r in results if (r["set"], r["recipe"], r["seed"]) != run]
        results = sorted([*others, measure(*run)], key=itemgetter("set", "recipe", "seed"))
        kept = {"versions": versions(), "results": results}
        path.write_text(json.dumps(kept, indent=1) + "\n")
    print(markdown(results))
    print(f"\nwrote {path.relative_to(HERE)}")


def measure(name: str, recipe: str, seed: int) -> dict[str, Any]:
    """Pretrain one recipe on one set, and evaluate it."""
    benchmark, data = SETS[name], converted(name)
    run = CACHE / "runs" / f"{recipe}-{name}-{seed}"
    shutil.rmtree(run, ignore_errors=True)
    run.parent.mkdir(exist_ok=True)
    wall, processor = time.monotonic(), cpu_seconds()
    command = ["pretrain", f"audio/{recipe}", str(data / benchmark.train), "--out", str(run)]
    unlabeled(*command, "--seed", str(seed), *benchmark.pretrain)
    times = {"minutes": time.monotonic() - wall, "cpu_minutes": cpu_seconds() - processor}
    times = {key: round(seconds / 60, 1) for key, seconds in times.items()}
    found = evaluated(run, data, "labels.csv", benchmark)
    few = {
        str(k): evaluated(run, data, few_labels(data, k, seed), benchmark) for k in benchmark.few
    }
    return {"set": name, "recipe": recipe, "seed": seed, **times, **found, "few_labels": few}


def evaluated(run: Path, data: Path, labels: str, benchmark: Benchmark) -> dict[str, Any]:
    """The scores of a run and its rivals on one labels table of the set."""
    flags = ("--labels", str(data / labels), "--target", benchmark.target, *benchmark.evaluate)
    found = json.loads(unlabeled("evaluate", str(run), str(data), *flags, "--json"))
    return {key: found[key] for key in ("metric", "items", "groups", "rows", "comparisons")}


def few_labels(data: Path, count: int, seed: int) -> str:
    """A table that trains on `count` items of each class, drawn from train/, and tests on test/."""
    rng = random.Random(seed)
    rows = table(data)
    target = next(key for key in rows[0] if key not in ("item", "group"))
    rng.shuffle(rows)
    seen: Counter[str] = Counter()
    kept = []
    for row in rows:
        part = row["item"].partition("/")[0]
        seen[row[target]] += part == "train"
        if part == "test" or seen[row[target]] <= count:
            kept.append({**row, "split": part})
    write_table(data / f"few-{count}-{seed}.csv", kept)
    return f"few-{count}-{seed}.csv"


def converted(name: str) -> Path:
    """The set as a folder of sound files with labels.csv; copied when it is not there yet."""
    folder = CACHE / name
    if (folder / "labels.csv").exists():
        return folder
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA: expected the folder that holds audio/fsdd, found nothing")
    labels = []
    for source, row in SETS[name].rows(Path(os.environ["UNLABELED_DATA"]) / "audio" / name):
        (folder / row["item"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / row["item"])
        labels.append(row)
    write_table(folder / "labels.csv", labels)
    return folder


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def table(source: Path) -> list[dict[str, str]]:
    with (source / "labels.csv").open() as file:
        return list(csv.DictReader(file))


def unlabeled(*arguments: str) -> str:
    print("unlabeled", *arguments, file=sys.stderr)
    done = subprocess.run([UNLABELED, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "unlabeled-audio", "torch")}


def markdown(results: list[dict[str, Any]]) -> str:
    """One row per run and contestant."""
    lines = ["| set | recipe | seed | embedding | score | pretrained − this |", "|" + "---|" * 6]
    for result in results:
        compared = {each["against"]: each for each in result["comparisons"]}
        for row in result["rows"]:
            gap = ""
            if each := compared.get(row["name"]):
                low, high = each["interval"]["low"], each["interval"]["high"]
                gap = f"{each['difference']:+.3f} ({low:+.3f} to {high:+.3f}) {each['outcome']}"
            place = f"{result['set']} | {result['recipe']} | {result['seed']}"
            lines.append(f"| {place} | {row['name']} | {row['score']:.3f} | {gap} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
