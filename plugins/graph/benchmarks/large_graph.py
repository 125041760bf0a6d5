"""A synthetic graph of a million nodes and ten million edges: memory and time of training on it.

Writes the graph once below .cache/bench-large-graph, trains some steps of graph/graphmae_blocks by
clusters and by sampled neighbours, and embeds every node layer by layer; each in a process of its
own, whose largest resident memory is recorded. Writes results/large-graph.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from unlabeled.export.encoder import load_encoder
from unlabeled_graph.graph_files import save_graphs
from unlabeled_graph.large_graph import LargeGraph
from unlabeled_graph.layerwise import embed_nodes
from unlabeled_graph.synthetic import community_graph

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench-large-graph"
UNLABELED = str(Path(sys.executable).with_name("unlabeled"))
FEATURES = 64


def main() -> None:
    """`large_graph.py`, or `large_graph.py --nodes 100000 --steps 5`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=1_000_000)
    arguments.add_argument("--degree", type=int, default=10)
    arguments.add_argument("--steps", type=int, default=10)
    arguments.add_argument("--embed", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    data = CACHE / f"{given.nodes}" / "large.safetensors"
    if given.embed:
        embed_nodes(load_encoder(given.embed), LargeGraph.open(data))
        return
    if not data.exists():
        save_graphs([community_graph(given.nodes, given.degree, 0, FEATURES)], data)
    found = {"nodes": given.nodes, "edges": given.nodes * given.degree, "features": FEATURES}
    for by, block in (("clusters", 1000), ("neighbours", 100)):
        run = CACHE / f"{given.nodes}" / f"{by}-{int(time.time())}"
        settings = {"reader.by": by, "reader.nodes": block, "training.steps": given.steps}
        flags = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
        command = [UNLABELED, "pretrain", "graph/graphmae_blocks", str(data), "--out", str(run)]
        command += [*flags, "--training.health-every", "0"]
        found[f"train by {by}, {given.steps} steps"] = measured(command)
    again = [sys.executable, __file__, "--nodes", str(given.nodes), "--embed", str(run)]
    found["embed all nodes"] = measured(again)
    found["versions"] = {name: version(name) for name in ("torch", "torch-geometric")}
    print(json.dumps(found, indent=2))
    (HERE / "results" / "large-graph.json").write_text(json.dumps(found, indent=2) + "\n")


def measured(command: list[str]) -> dict[str, float]:
    """Seconds, and the largest memory of any process so far in GiB."""
    started = time.perf_counter()
    subprocess.run(command, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return {"seconds": round(time.perf_counter() - started, 1), "gib": round(peak, 2)}


if __name__ == "__main__":
    main()
