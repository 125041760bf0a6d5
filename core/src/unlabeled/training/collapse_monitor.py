"""Watch for collapse: embed a fixed sample of items at intervals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unlabeled.contract import Batch, Encoder, Encoding, Nodes, Tokens
from unlabeled.health import Health, examine
from unlabeled.training.checkpoint import random_state, restore_random_state

ITEMS = 256
"""Effective ranks are comparable only at equal numbers of rows."""


class CollapseMonitor:
    """Embeds the same items each time without affecting the training.

    Every process embeds all of them, so that sharded encoders work too.
    """

    def __init__(self, fabric: Fabric, encoder: Encoder, batches: Iterable[Batch]) -> None:
        self._fabric, self._encoder = fabric, encoder
        self._batches = list(batches)
        self.broken = 0
        """The number of items whose embeddings were not finite at the last check."""

    def __call__(self) -> Health | None:
        """Of the items with finite embeddings; None where there are fewer than two."""
        with undisturbed(self._encoder), torch.no_grad(), self._fabric.autocast():
            found = [_embedded(self._encoder, on_device(self._fabric, b)) for b in self._batches]
        embeddings = torch.cat(found) if found else torch.empty(0, 1)
        finite = embeddings.isfinite().all(dim=1)
        self.broken = int((~finite).sum())
        kept = embeddings[finite]
        return examine(kept) if len(kept) > 1 else None


def _embedded(encoder: Encoder, batch: Batch) -> Tensor:
    """(n, D) of the samples that have the input of the default output: equal rows of absent sensors
    would look like a collapse."""
    rows = one_per_sample(encoder(batch))
    present = encoder.present(batch, encoder.outputs[0].name)
    return rows if present is None else rows[present]


def on_device(fabric: Fabric, batch: Batch) -> Batch:
    """Where the encoder is, in the precision of the run."""
    return fabric.strategy.precision.convert_input(fabric.to_device(batch))


def columns(health: Health) -> dict[str, Any]:
    """The values for a row of metrics."""
    wanted = ("feature_std", "effective_rank", "centred_rank", "uniformity", "collapsed")
    found = asdict(health)
    return {f"health_{name}": found[name] for name in wanted}


@contextmanager
def undisturbed(encoder: Encoder) -> Iterator[None]:
    """Eval mode inside the block; afterwards modes and random generators are as before."""
    training = [module for module in encoder.modules() if module.training]
    before = random_state()
    encoder.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
        restore_random_state(before)


def one_per_sample(encoding: Encoding) -> Tensor:
    """(N, D): a global output as it is, tokens and nodes as their mean over valid ones."""
    if isinstance(encoding, Tokens):
        weight = encoding.valid.to(encoding.values.dtype)[..., None]
        return (encoding.values * weight).sum(1) / weight.sum(1).clamp(min=1)
    if isinstance(encoding, Nodes):
        count = int(encoding.owner.max()) + 1
        rows = encoding.values.new_zeros(count, encoding.values.shape[1])
        sums = rows.index_add(0, encoding.owner, encoding.values)
        return sums / torch.bincount(encoding.owner, minlength=count).clamp(min=1)[:, None]
    return encoding
