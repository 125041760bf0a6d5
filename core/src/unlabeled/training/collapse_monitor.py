"""Watch for collapse: embed a fixed sample of items at intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unlabeled.contract import Batch, Encoder
from unlabeled.encoders.pooling import one_per_sample
from unlabeled.health import Health, examine
from unlabeled.training.checkpoint import random_state, restore_random_state

ITEMS = 120
"""Effective ranks are comparable only at equal numbers of rows; all checks of so many cost less
than 1 % of a run of over 2,000 steps of 50 ms (`make bench-loop`)."""

AT_START = ("feature_std", "centred_rank")
CHECKS = 20
EARLY = (10, 25, 50)
"""Steps of the first checks, so that a collapse is found within 50."""
SETTLED = 200
"""Before this step a narrow encoder has not collapsed unless its training made it narrow."""
POINT = 0.01
"""Below this spread no encoder that can still learn begins."""
CAUSES = (
    "Usual causes: a learning rate that is too high (training.optimiser.lr), no warm-up "
    "(training.schedule.warm_up), a batch too small, views too alike, or an objective without a "
    "term that keeps embeddings apart."
)


def checked_after(done: int, total: int, every: int | None) -> bool:
    """Whether health is checked after step `done` of `total`. every: steps between checks; if None
    at least `CHECKS` in a run and one in 200 steps."""
    regular = every or max(1, min(200, total // CHECKS))
    return done % regular == 0 or done == total or (every is None and done in EARLY)


def has_fallen(health: Health, start: Mapping[str, float], done: int, total: int) -> bool:
    """Whether training has collapsed the encoder: it lost half of the spread or rank that it began
    with, or had time to gain some. start: `feature_std` and `centred_rank` before training."""
    if not health.collapsed or done >= min(SETTLED, total) or health.feature_std < POINT:
        return health.collapsed
    return any(getattr(health, name) < 0.5 * value for name, value in start.items())


class CollapseMonitor:
    """Embeds the same items each time without affecting the training.

    Every process embeds all of them, so that sharded encoders work too.
    """

    def __init__(self, fabric: Fabric, encoder: Encoder, batches: Iterable[Batch]) -> None:
        self._fabric, self._encoder = fabric, encoder
        self._batches = list(batches)
        self.broken = 0
        """The number of items whose embeddings were not finite at the last check."""
        self.start: Mapping[str, float] = {}
        """`feature_std` and `centred_rank` before the first step of the run."""

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
    wanted = (
        "feature_std", "effective_rank", "centred_rank", "alpha_req", "dead_units", "uniformity",
        "collapsed",
    )  # fmt: skip
    found = asdict(health)
    finite = {name: found[name] if math.isfinite(found[name]) else None for name in wanted}
    return {f"health_{name}": value for name, value in finite.items()}


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
