"""Pretrain the tiny recipes on real sound; judge them beside random encoders and raw features.

UNLABELED_DATA names the folder that holds audio/fsdd and audio/esc10. Each set is converted once
into a plain folder of FLAC files with a labels table below .cache/bench-audio, and goes in by
`unlabeled pretrain` and `unlabeled evaluate`, as a user's would. Seed by seed, all methods on all
sets; each run is added to results/audio.json beside this file when it is done, and one that is
there is not repeated: an interrupted benchmark goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import Any

import soundfile

from unlabeled_audio.readers.clips import Clips

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-audio"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
RESULTS = HERE / "results" / "audio.json"
KEY = itemgetter("set", "recipe", "seed")
RECIPES = ("ssast", "tera", "mae")


@dataclass(frozen=True)
class Benchmark:
    """rows: of the labels table, and the file each is made from; rate: of the FLAC files (Hz);
    train: the part of the folder that is pretrained on; few: labels per class, from train/, of
    further tests on test/; pretrain: flags of that command, and own: those of one recipe, in their
    place or beside them; evaluate: flags of that command; probes: beside the logistic one."""

    target: str
    rows: Callable[[Path], Iterator[tuple[Path, dict[str, str]]]]
    rate: int
    train: str
    pretrain: Mapping[str, str]
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    evaluate: tuple[str, ...] = ()
    few: tuple[int, ...] = ()
    probes: tuple[str, ...] = ()


def fsdd(source: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """3,000 spoken digits; groups are the six speakers."""
    for row in table(source):
        item = f"{row['split']}/{Path(row['path']).name}"
        yield source / row["path"], {"item": item, "digit": row["digit"], "group": row["speaker"]}


def esc10(source: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """400 environmental sounds; groups are recordings, which share a fold."""
    for row in table(source):
        labels = {"item": f"{Path(row['path']).stem}.flac", "sound": row["label_name"]}
        yield source / row["path"], {**labels, "group": row["source_clip_id"], "fold": row["fold"]}


SETS = {
    "fsdd": Benchmark(
        target="digit",
        rows=fsdd,
        rate=8000,
        train="train",
        pretrain={"--reader.sample-rate": "8000"},
        evaluate=("--evaluation.folds", "6"),
        few=(1, 5, 10),
    ),
    "esc10": Benchmark(
        target="sound",
        rows=esc10,
        rate=16_000,
        train="",
        # Whole clips of five seconds, in steps of 80 ms; their mean spectrum tells much.
        pretrain={
            "--encoder.features.normalise": "data",
            "--encoder.pooling": "mean",
            "--encoder.patch": "[40, 8]",
            "--reader.crop-seconds": "5",
            "--training.epochs": "48",
            "--training.batch-size": "8",
        },
        # Patches as in the paper, smaller than frames are; values as they are, as levels tell much.
        own={
            "mae": {
                "--encoder.patch": "[8, 16]",
                "--pretext.mask.name": "random",
                "--pretext.mask.ratio": "0.75",
                "--pretext.normalise-target": "false",
            }
        },
        probes=("audio/svm",),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    for seed, name, recipe in itertools.product(asked.seeds, asked.sets, asked.recipes):
        if (name, recipe, seed) not in map(KEY, results()):
            found = measure(name, recipe, seed)
            keep(sorted([*results(), found], key=KEY))
    print(markdown(results()))


def results() -> list[dict[str, Any]]:
    """What has been measured; read anew each time, as another benchmark may run beside this."""
    return json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else []


def keep(found: list[dict[str, Any]]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"versions": versions(), "results": found}, indent=1) + "\n")


def measure(name: str, recipe: str, seed: int) -> dict[str, Any]:
    """Pretrain one recipe on one set, or go on with it, and evaluate it."""
    benchmark, data = SETS[name], converted(name)
    run = CACHE / "runs" / f"{recipe}-{name}-{seed}"
    run.parent.mkdir(exist_ok=True)
    started = time.time()
    command = ["pretrain", f"audio/{recipe}", str(data / benchmark.train), "--out", str(run)]
    flags = {**benchmark.pretrain, **benchmark.own.get(recipe, {}), "--seed": str(seed)}
    unlabeled(*command, *itertools.chain.from_iterable(flags.items()))
    tables = {"folds": ("labels.csv", ())}
    tables |= {f"few {k}": (few_labels(data, k, seed), ()) for k in benchmark.few}
    tables |= {probe: ("labels.csv", ("--probe", probe)) for probe in benchmark.probes}
    found = {key: evaluated(run, data, *table, benchmark) for key, table in tables.items()}
    day = datetime.date.fromtimestamp(started).isoformat()
    return {"set": name, "recipe": recipe, "seed": seed, "date": day, "tables": found}


def evaluated(
    run: Path, data: Path, labels: str, flags: tuple[str, ...], benchmark: Benchmark
) -> dict[str, Any]:
    """The scores of a run and its rivals on one labels table of the set."""
    flags = (*flags, "--labels", str(data / labels), *benchmark.evaluate)
    asked = ("--target", benchmark.target, "--json")
    found = json.loads(unlabeled("evaluate", str(run), str(data), *flags, *asked))
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
    """The set as a folder of sound files with labels.csv; made when it is not there yet."""
    folder = CACHE / name
    if (folder / "labels.csv").exists():
        return folder
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA: expected the folder that holds audio/fsdd, found nothing")
    labels = []
    for source, row in SETS[name].rows(Path(os.environ["UNLABELED_DATA"]) / "audio" / name):
        (folder / row["item"]).parent.mkdir(parents=True, exist_ok=True)
        as_flac(source, folder / row["item"], SETS[name].rate)
        labels.append(row)
    write_table(folder / "labels.csv", labels)
    return folder


def as_flac(source: Path, target: Path, rate: int) -> None:
    """Once, so that no epoch decodes Ogg Vorbis and resamples it from 44.1 kHz."""
    reader = Clips(sample_rate=rate)
    (item,) = reader.index(source)
    soundfile.write(target, reader.read(item).values[0].numpy(), rate)


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


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("unlabeled", "unlabeled-audio", "torch")}


def markdown(results: list[dict[str, Any]]) -> str:
    """For each set a table of the runs on all labels, and one of what else was asked of them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for result in sorted(results, key=KEY):
        found.setdefault(result["set"], []).append(result)
    parts = (part for name, runs in found.items() for part in (whole(name, runs), others(runs)))
    return "\n\n".join(parts)


def whole(name: str, runs: list[dict[str, Any]]) -> str:
    """Each run's score on all labels, and how far it is above each of its rivals."""
    rivals = ["random encoders", *map(feature, runs[0]["tables"]["folds"]["rows"][2:])]
    lines = [f"{name}:", "", "| recipe | seed | accuracy | − " + " | − ".join(rivals) + " |"]
    lines.append("|" + "---|" * (3 + len(rivals)))
    for run in runs:
        found = run["tables"]["folds"]
        gaps = " | ".join(map(gap, found["comparisons"]))
        lines.append(f"| {named(run)} | **{found['rows'][0]['score']:.3f}** | {gaps} |")
    return "\n".join(lines)


def others(runs: list[dict[str, Any]]) -> str:
    """Scores on the further tables, their gaps to random encoders, and the features' scores."""
    tables = [name for name in runs[0]["tables"] if name != "folds"]
    lines = ["| recipe | seed | " + " | ".join(tables) + " |", "|" + "---|" * (2 + len(tables))]
    for run in runs:
        cells = (
            f"**{found['rows'][0]['score']:.3f}**, {gap(found['comparisons'][0], short=True)}"
            for found in map(run["tables"].__getitem__, tables)
        )
        lines.append(f"| {named(run)} | {' | '.join(cells)} |")
    features: dict[str, list[str]] = {}
    for run in {run["seed"]: run for run in runs}.values():
        for row in zip(*(run["tables"][table]["rows"][2:] for table in tables), strict=True):
            scores = " | ".join(f"{one['score']:.3f}" for one in row)
            features.setdefault(f"{feature(row[0])} | {{}} | {scores}", []).append(str(run["seed"]))
    ordered = sorted(features.items(), key=lambda item: (item[0].partition("|")[0], item[1]))
    lines += [f"| {row.format(', '.join(seeds))} |" for row, seeds in ordered]
    return "\n".join(lines)


def named(run: dict[str, Any]) -> str:
    return f"`audio/{run['recipe']}` | {run['seed']}"


def feature(row: dict[str, Any]) -> str:
    name = str(row["name"]).removeprefix("audio/").replace("log_mel", "log-mel")
    return name.replace("mfcc", "MFCC").replace("_", " ")


def gap(compared: dict[str, Any], *, short: bool = False) -> str:
    low, high = compared["interval"]["low"], compared["interval"]["high"]
    interval = "" if short else f" ({low:+.3f} to {high:+.3f})"
    outcome = {"win": ", a win", "open": ", open", "loss": ", a loss"}[compared["outcome"]]
    return f"{compared['difference']:+.3f}{interval}{outcome}".replace("-", "−")


if __name__ == "__main__":
    main()
