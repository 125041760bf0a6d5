"""Random numbers keyed by what is drawn, independent of process and order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from unlabeled.data.dense_target import DenseTarget
from unlabeled.data.items import Item

TargetValue: TypeAlias = int | float | np.ndarray | DenseTarget
"""A class number, a value, (classes,) float32 of 0 and 1 where an item may have several, or a mask
on the grid of the sample."""


def keyed_rng(*key: object) -> np.random.Generator:
    """A generator that is a pure function of `key` (ints and strings).

    The same key gives the same stream in every process, on every machine and in any order.
    """
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of one item: the key of all randomness that it may use. Made by `Draw.of` alone.

    item: its id; number counts the draws of the same item within one epoch (`samples_per_item`);
    group is the item's (patient, speaker, scene), targets its label by the name of the target
    (empty where it has none): no random number depends on them.
    """

    seed: int
    epoch: int
    item: str
    number: int
    group: str
    targets: Mapping[str, TargetValue] = field(default_factory=dict, hash=False)
    # No default of the others: a draw made without its group turns negatives of one patient against
    # each other, and nothing looks wrong.

    @classmethod
    def of(
        cls,
        item: Item,
        seed: int,
        epoch: int,
        number: int = 0,
        targets: Mapping[str, TargetValue] | None = None,
    ) -> Draw:
        """The draw of `item` that training makes in `epoch` of a run with `seed`."""
        return cls(seed, epoch, item.id, number, item.group, targets or {})

    def rng(self, purpose: int | str) -> np.random.Generator:
        """The generator for one purpose of this draw: a view's number, "mask", "window" …"""
        return keyed_rng(self.seed, self.epoch, self.item, self.number, purpose)
