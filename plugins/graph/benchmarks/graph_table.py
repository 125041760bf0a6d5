"""GraphMAE's published rows: pretrain, embed and probe as the paper does, beside simple things.

UNLABELED_DATA names the folder that holds graph/tu_mutag, graph/cora and so on. Each is converted
once into files that the plugin reads, below .cache/bench-graph-table, and goes in by `unlabeled
pretrain` and `unlabeled embed`, as a user's would. Graphs are also embedded with the batch-norm
statistics that training left, as in the authors' code (`trained_norms`): an encoder is exported
with those of whole graphs. A seed that is done is not done again; a run
that was interrupted goes on. Writes results/graph-table.json beside this file after every run,
and prints the table.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file
from sklearn.model_selection import StratifiedKFold
from torch_geometric.data import Data

from unlabeled import load_encoder
from unlabeled.batch_norm import has_batch_norm
from unlabeled.contract import Encoder
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.export.encoder import load_reader, read_config
from unlabeled.inference.encoding import encode
from unlabeled.inference.reading import Source
from unlabeled.probes.standardise import standardise
from unlabeled_graph.baselines.sgc import smoothed
from unlabeled_graph.evaluators.linear import Linear, published_accuracies, validated_accuracy
from unlabeled_graph.evaluators.svm import SVM
from unlabeled_graph.graph_files import save_graphs

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "graph-table.json"
CACHE = HERE.parents[2] / ".cache" / "bench-graph-table"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
PACKAGES = ("unlabeled", "unlabeled-graph", "torch", "torch-geometric", "scikit-learn")
RANDOM_ENCODERS = 5
OURS = ("leak_free", "standardised")
"""Protocols that the paper has no number for."""


@dataclass(frozen=True)
class Row:
    """folder: below UNLABELED_DATA/graph; published: accuracy and deviation in percent; precision:
    of training, that of the paper unless a run would take hours."""

    folder: str
    level: str
    published: float
    deviation: float | None
    seeds: int
    precision: str = "32"


# In the order of their cost.
ROWS = {
    "mutag": Row("tu_mutag", "graph", 88.19, 1.26, 5),
    "imdb_binary": Row("tu_imdb_binary", "graph", 75.52, 0.66, 5),
    "proteins": Row("tu_proteins", "graph", 75.30, 0.39, 5),
    "cora": Row("cora", "node", 84.2, 0.4, 5),
    "collab": Row("tu_collab", "graph", 80.32, 0.46, 1),
    "pubmed": Row("pubmed", "node", 81.1, 0.4, 1),
    "reddit_binary": Row("tu_reddit_binary", "graph", 88.01, 0.19, 1, "bf16-mixed"),
}


def main() -> None:
    """All rows in the order of their cost, or `graph_table.py cora --seeds 2 --steps 400`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", default=list(ROWS))
    arguments.add_argument("--seeds", type=int)
    arguments.add_argument("--steps", type=int, help="shorter than published; a row of its own")
    given = arguments.parse_args()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
    for name in given.names:
        row = ROWS[name]
        data = convert(name, row)
        key = f"{name}, {given.steps} steps" if given.steps else name
        done = found["rows"].setdefault(key, {"seeds": {}, "beside": {}})
        for seed in range(given.seeds or row.seeds):
            if str(seed) not in done["seeds"]:
                done["seeds"][str(seed)] = judge(name, row, data, seed, given.steps)
                write(found)
        if not given.steps:
            for kind, scores in beside(name, row, data, done["beside"]):
                done["beside"][kind] = scores
                write(found)
    print(table(found))


def write(found: dict[str, Any]) -> None:
    found["versions"] = {name: version(name) for name in PACKAGES}
    found["machine"] = f"{platform.machine()}, one thread, shared with other work"
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


def convert(name: str, row: Row) -> Path:
    """The data as files of this plugin's readers; the folder that goes into `unlabeled`."""
    folder = CACHE / "data" / name
    if folder.exists():
        return folder
    partial = folder.with_name(f"{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if "UNLABELED_DATA" not in os.environ:
        sys.exit(f"UNLABELED_DATA is not set: it names the folder that holds graph/{row.folder}")
    source = Path(os.environ["UNLABELED_DATA"]) / "graph" / row.folder
    stored = np.load(next(source.glob("*.npz")))
    (convert_nodes if row.level == "node" else convert_graphs)(stored, name, partial)
    partial.rename(folder)
    return folder


def convert_nodes(stored: Any, name: str, folder: Path) -> None:
    """One graph as safetensors; a table of labels and of the public split."""
    graph = Data(torch.from_numpy(stored["x"]), torch.from_numpy(stored["edge_index"]))
    save_graphs([graph], folder / f"{name}.safetensors")
    parts = {part: stored[f"{part}_mask"] for part in ("train", "val", "test")}
    lines = [
        [f"{name}.safetensors#0#{node}", label, part]
        for part, mask in parts.items()
        for node, label in zip(np.flatnonzero(mask), stored["y"][mask], strict=True)
    ]
    write_csv(folder / "labels.csv", ["item", "label", "split"], lines)
    np.savez(folder / "nodes.npz", y=stored["y"], **parts)


def convert_graphs(stored: Any, name: str, folder: Path) -> None:
    """A folder of the TU collection, and a table of labels."""
    sizes, counts = stored["num_nodes"].astype(int), stored["num_edges"].astype(int)
    shift = np.repeat(np.cumsum(sizes) - sizes, counts) + 1
    ends = np.stack([stored["edge_u"].astype(int) + shift, stored["edge_v"].astype(int) + shift])
    both = np.concatenate([ends, ends[::-1][:, ends[0] != ends[1]]], axis=1)
    both = both[:, np.lexsort((both[1], both[0]))]
    lines = {"A": [f"{a}, {b}" for a, b in both.T.tolist()]}
    lines["graph_indicator"] = np.repeat(np.arange(1, len(sizes) + 1), sizes).tolist()
    if "node_label" in stored:
        lines["node_labels"] = stored["node_label"].tolist()
    for what, values in lines.items():
        (folder / f"{name}_{what}.txt").write_text("\n".join(map(str, values)) + "\n")
    labels = [[f"{name}#{place}", label] for place, label in enumerate(stored["y"], start=1)]
    write_csv(folder / "labels.csv", ["item", "label"], labels)


def write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def judge(name: str, row: Row, data: Path, seed: int, steps: int | None) -> dict[str, float]:
    """Pretrain with one seed, embed, and probe."""
    run = CACHE / "runs" / (f"{name}-{steps}-{seed}" if steps else f"{name}-{seed}")
    length = ("--training.steps", steps) if steps else ()
    settings = (*length, "--training.seed", seed, "--precision", row.precision)
    often = ("--training.checkpoint.every-minutes", 3)
    unlabeled("pretrain", f"graph/graphmae_{name}_base", data, "--out", run, *settings, *often)
    manifest = json.loads((run / "manifest.json").read_text())
    embeddings = run / "embeddings.parquet"
    unlabeled("embed", run, data, "--out", embeddings)
    stored = pq.read_table(embeddings)
    order = [("node" if row.level == "node" else "place", "ascending")]
    vectors = np.stack(stored.sort_by(order)["vector"].to_numpy())
    found = probe(row, data, vectors)
    if row.level == "graph" and has_batch_norm(encoder := as_trained(run)):
        found["trained_norms"] = probe(row, data, embedded(run, data, by(encoder)))["accuracy"]
    return {**found, "minutes": round(manifest["seconds"] / 60, 1)}


def unlabeled(*arguments: object) -> None:
    words = [str(argument) for argument in arguments]
    print("$ unlabeled", *words, flush=True)
    subprocess.run([UNLABELED, *words], check=True)


def probe(row: Row, data: Path, vectors: np.ndarray) -> dict[str, float]:
    """Percent, by the paper's protocol; for nodes also at best validation, and leak-free; for
    graphs also on columns that the training folds give mean 0 and deviation 1."""
    if row.level == "graph":
        plain, scaled = (
            ten_folds(vectors, labels_of(data), scale=scale) for scale in (False, True)
        )
        return {"accuracy": 100 * plain, "standardised": 100 * scaled}
    stored = np.load(data / "nodes.npz")
    x, y = torch.from_numpy(vectors.astype(np.float32)), torch.from_numpy(stored["y"])
    parts = tuple(torch.from_numpy(stored[part]) for part in ("train", "val", "test"))
    last, at_best = published_accuracies(Linear(), x, y, parts)  # type: ignore[arg-type]
    free = validated_accuracy(x, y, parts)  # type: ignore[arg-type]
    return {"accuracy": 100 * last, "best_validation": 100 * at_best, "leak_free": 100 * free}


def labels_of(data: Path) -> np.ndarray:
    with (data / "labels.csv").open(newline="") as file:
        return np.array([int(line["label"]) for line in csv.DictReader(file)])


def ten_folds(vectors: np.ndarray, y: np.ndarray, *, scale: bool) -> float:
    """The mean over the folds, as the paper draws them: stratified, shuffled with seed 0."""
    svm, scores = SVM(), []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(vectors, y):
        known, unseen = vectors[train], vectors[test]
        if scale:
            known, unseen = standardise(known, unseen)
        predicted = svm.predict(known, y[train], train, unseen)
        scores.append(svm.score(y[test], predicted))
    return float(np.mean(scores))


def as_trained(run: Path) -> Encoder:
    """The encoder of a run's last checkpoint, whose batch norms saw graphs with hidden nodes."""
    encoder = load_encoder(run)
    last = max((run / "checkpoints").iterdir()) / "model.safetensors"
    weights = load_file(last)
    encoder.load_state_dict({name: weights[f"encoder.{name}"] for name in encoder.state_dict()})
    return encoder


Describe = Callable[[list[Data]], list[np.ndarray]]


def by(encoder: Encoder) -> Describe:
    """What the encoder says of graphs, by its default output."""
    output = encoder.outputs[0].name
    return lambda samples: [piece.values for piece in encode(encoder, samples, output)]


def embedded(run: Path, data: Path, describe: Describe) -> np.ndarray:
    """Rows in the order of the data, of graphs as the reader of the run gives them."""
    reader, size = load_reader(run), read_config(run).provenance.batch_size
    source, found = Source(reader.index(data), reader), {}
    for batch, samples in source.batches(range(len(source.items)), size):
        found.update(zip(batch, describe(samples), strict=True))
    return np.concatenate([found[place] for place in sorted(found)])


def beside(name: str, row: Row, data: Path, done: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Random encoders, raw features, and for nodes SGC, through the same probes; what is `done`
    is left out, and random encoders come one by one."""
    kinds = {"raw"} if row.level == "graph" else {"raw", "sgc"}
    if kinds <= done.keys() and len(done.get("random", [])) == RANDOM_ENCODERS:
        return
    run = CACHE / "runs" / f"{name}-0"
    reader, config = load_reader(run), read_config(run)
    source = Source(reader.index(data), reader)
    rows = list(range(len(source.items)))
    size, output = config.provenance.batch_size, config.outputs[0].name

    def judged(describe: Describe) -> dict[str, float]:
        return probe(row, data, embedded(run, data, describe))

    random = done.get("random", [])
    for seed in range(len(random), RANDOM_ENCODERS):
        encoder = random_encoder(config.encoder, seed, source, rows, output=output, batch_size=size)
        random = [*random, judged(by(encoder))]
        yield "random", random
    simple: dict[str, Describe] = {
        "raw": lambda samples: [sample.x.numpy() for sample in samples],
        "sgc": lambda samples: [smoothed(sample).numpy() for sample in samples],
    }
    if row.level == "graph":
        simple = {"raw": lambda samples: [s.x.sum(0, keepdim=True).numpy() for s in samples]}
    for kind, describe in simple.items():
        if kind not in done:
            yield kind, judged(describe)


def table(found: dict[str, Any]) -> str:
    """One line per data set and protocol, in Markdown."""
    columns = ("data", "protocol", "published", "ours", "seeds", "random encoder", "raw", "SGC")
    lines = ["| " + " | ".join((*columns, "minutes")) + " |", "|" + "---|" * 9]
    for name, done in found["rows"].items():
        row = ROWS[name.partition(",")[0]]
        if not done["seeds"]:
            continue
        runs, others = list(done["seeds"].values()), done["beside"]
        for protocol in (key for key in runs[0] if key != "minutes"):
            spread = f" ± {row.deviation}" if row.deviation else ""
            cells = [
                name,
                protocol.replace("_", " "),
                f"{row.published}{spread}" if protocol not in OURS else "–",
                spell([run[protocol] for run in runs]),
                str(len(runs)),
                spell([each[protocol] for each in others.get("random", []) if protocol in each]),
                *(
                    spell([o[protocol] for o in [others.get(kind, {})] if protocol in o])
                    for kind in ("raw", "sgc")
                ),
                f"{statistics.mean(run['minutes'] for run in runs):.1f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def spell(values: list[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.2f}{spread}"


if __name__ == "__main__":
    main()
