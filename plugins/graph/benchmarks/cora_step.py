"""One training step of GraphMAE on Cora, beside a plain PyG loop with the same layers and weights.

UNLABELED_DATA names the folder that holds graph/cora. Loss and gradient are compared first, without
dropout; then whole steps of both (masks, forward, backward, Adam) take turns in one process.
Writes results/cora-step.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.nn import GATConv

from unlabeled.randomness import Draw
from unlabeled_graph.encoders.gat import GAT, GATSettings
from unlabeled_graph.pretexts.graphmae import GraphMAE, GraphMAESettings, MaskedGraphs

HERE = Path(__file__).parent
WIDTH, HEADS, DEPTH = 512, 4, 2


class Plain(nn.Module):
    """GraphMAE as one would write it with PyG: dense features, one message per edge."""

    def __init__(self, features: int, *, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        sizes = [features, WIDTH, WIDTH]
        layers = [
            GATConv(sizes[d], WIDTH // HEADS, heads=HEADS, dropout=attention_dropout)
            for d in range(DEPTH)
        ]
        self.layers = nn.ModuleList(layers)
        self.activations = nn.ModuleList(nn.PReLU() for _ in layers)
        self.token = nn.Parameter(torch.zeros(1, features))
        self.to_decoder = nn.Linear(WIDTH, WIDTH, bias=False)
        self.decoder = GATConv(WIDTH, features, heads=1, dropout=attention_dropout)
        self.dropout = dropout

    def forward(self, graph: Data, masked: Tensor, noise: Tensor, donors: Tensor) -> Tensor:
        x = graph.x.clone()
        x[masked] = 0.0
        tokens = masked[~torch.isin(masked, noise)]
        x[tokens] = x[tokens] + self.token
        x[noise] = graph.x[donors]
        for layer, activation in zip(self.layers, self.activations, strict=True):
            x = F.dropout(x, self.dropout, self.training)
            x = activation(layer(x, graph.edge_index))
        x = self.to_decoder(x)
        x = x.index_fill(0, masked, 0.0)
        x = F.dropout(x, self.dropout, self.training)
        reconstructed = self.decoder(x, graph.edge_index)[masked]
        cosine = F.cosine_similarity(reconstructed, graph.x[masked])
        return (1 - cosine).pow(3).mean()


def main() -> None:
    """`cora_step.py`, or `cora_step.py --steps 5`."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--steps", type=int, default=15)
    steps = arguments.parse_args().steps
    torch.set_num_threads(1)
    graph = read()
    loss, gradient = compare(graph)
    print(f"largest relative difference: loss {loss:.1e}, gradient {gradient:.1e}")
    plain, ours = interleave(graph, steps)
    ratios = [a / b for a, b in zip(plain, ours, strict=True)]
    result = {
        "loss_difference": loss,
        "gradient_difference": gradient,
        "plain_ms": statistics.median(plain),
        "ours_ms": statistics.median(ours),
        "ratio": statistics.median(ratios),
        "ratio_quartiles": statistics.quantiles(ratios, n=4)[::2],
        "steps": steps,
        "versions": {name: version(name) for name in ("torch", "torch-geometric")},
    }
    print(json.dumps(result, indent=2))
    (HERE / "results" / "cora-step.json").write_text(json.dumps(result, indent=2) + "\n")


def read() -> Data:
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA is not set: it names the folder that holds graph/cora")
    stored = np.load(Path(os.environ["UNLABELED_DATA"]) / "graph" / "cora" / "cora.npz")
    x = torch.from_numpy(stored["x"])
    x = x / x.sum(1, keepdim=True).clamp(min=1)
    return Data(x, torch.from_numpy(stored["edge_index"]))


def pair(graph: Data, dropout: float, attention_dropout: float) -> tuple[Plain, GraphMAE]:
    """Both methods with the same weights."""
    torch.manual_seed(0)
    settings = GATSettings(
        node_features=graph.num_node_features,
        width=WIDTH,
        depth=DEPTH,
        heads=HEADS,
        norm="none",
        activation="prelu",
        dropout=dropout,
        attention_dropout=attention_dropout,
    )
    ours = GraphMAE(GraphMAESettings(replace_ratio=0.05, gamma=3.0), GAT(settings))
    # Without it some reconstructed rows are zero at first, and there the cosine has no gradient.
    torch.nn.init.uniform_(ours.decoder.bias)
    plain = Plain(graph.num_node_features, dropout=dropout, attention_dropout=attention_dropout)
    body = ours.encoder.body
    plain.layers.load_state_dict(body.layers.state_dict())
    for name in ("to_decoder", "decoder"):
        getattr(plain, name).load_state_dict(getattr(ours, name).state_dict())
    return plain, ours


def plan(ours: GraphMAE, graph: Data, step: int) -> tuple[MaskedGraphs, Tensor]:
    batch = ours.collate([ours.example(graph, Draw(0, step, "cora", 0, ""))])
    return batch, (batch.donors * len(graph.x)).long()


def compare(graph: Data) -> tuple[float, float]:
    """Relative differences of the loss, and of the gradient of each weight (the largest)."""
    plain, ours = pair(graph, 0.0, 0.0)
    batch, donors = plan(ours, graph, 0)
    losses = ours(batch).total, plain(graph, batch.masked, batch.replaced, donors)
    for loss in losses:
        loss.backward()
    mine = dict(ours.named_parameters())
    pairs = [(plain.token, mine["token"])]
    for name, weight in plain.named_parameters():
        other = name if name in mine else f"encoder.body.{name}"
        pairs.append((weight, mine[other]))
    largest = max(float((a.grad - b.grad).norm() / a.grad.norm()) for a, b in pairs if a.grad.any())
    return abs(1 - losses[0].item() / losses[1].item()), largest


def interleave(graph: Data, steps: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each step of the plain loop and of ours, taking turns."""
    plain, ours = pair(graph, 0.2, 0.1)
    decay = {"lr": 1e-3, "weight_decay": 2e-4}
    optimisers = [torch.optim.Adam(method.parameters(), **decay) for method in (plain, ours)]
    times: tuple[list[float], list[float]] = ([], [])
    for step in range(steps + 1):
        batch, donors = plan(ours, graph, step)
        runs = (
            lambda batch=batch, donors=donors: plain(graph, batch.masked, batch.replaced, donors),
            lambda step=step: ours(plan(ours, graph, step)[0]).total,
        )
        for run, optimiser, found in zip(runs, optimisers, times, strict=True):
            started = time.perf_counter()
            optimiser.zero_grad()
            run().backward()
            optimiser.step()
            found.append(1000 * (time.perf_counter() - started))
    return times[0][1:], times[1][1:]


if __name__ == "__main__":
    main()
