"""Batch-norm statistics of the inputs that an encoder will see.

While a masked or augmented method trains, running statistics follow inputs that are hidden in part
or distorted; an exported encoder sees whole ones. So they are estimated again, over a random sample
of the items: "precise BN" of Wu and Johnson 2021, arXiv:2105.07576, section 3. Departs from it in
how batches are combined: weighted by the number of values in each, and with the variance between
them,

    mean = Σ n_b m_b / n,   var = Σ ( n_b v_b + n_b (m_b - mean)² ) / (n - 1),   n = Σ n_b

so the result does not depend on how values are divided into batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.contract import Batch, Encoder
from unlabeled.memory import bytes_of, exceeds

T = TypeVar("T")


def has_batch_norm(encoder: Encoder) -> bool:
    """Whether there is anything to estimate."""
    return bool(_norms(encoder))


@torch.no_grad()
def estimate_batch_norm(encoder: Encoder, batches: Iterable[Batch], output: str) -> None:
    """Set the running statistics of every batch norm to those of what it sees in `batches`.

    batches: of items in random order (see `drawn_lists`), because inputs of deeper norms depend on
    the statistics of the batch. Only batch norms are in train mode meanwhile: no dropout, no weight
    changes. A norm that sees fewer than two values per channel, such as one that `output` does not
    use, keeps its statistics. With several processes all of them must call this.
    """
    norms = _norms(encoder)
    if not norms:
        return
    with ExitStack() as stack:
        pools = [_Pool(norm) for norm in norms]
        for pool in pools:
            stack.callback(pool.close)
            pool.norm.train()
        for batch in batches:
            encoder.encode(batch, output)
    for pool in pools:
        pool.settle()


def drawn_lists(
    drawn: Iterable[tuple[T, int]], size: int, largest: float = float("inf")
) -> Iterator[list[T]]:
    """Lists of `size` in the given order; a single one that is left over joins the last list.

    drawn: things and their extents. largest: a list ends before its length times its largest
    extent is above this, or it takes more than `memory.BATCH_BYTES`, but not before it holds two.
    """
    waiting: list[T] = []  # one list behind, so that a single one can still join it
    held: list[T] = []
    widest = heaviest = 0
    for thing, extent in drawn:
        weight = bytes_of(thing)
        count = len(held) + 1
        too_large = count * max(widest, extent) > largest or exceeds(max(heaviest, weight), count)
        if len(held) == size or (too_large and len(held) > 1):
            if waiting:
                yield waiting
            waiting, held, widest, heaviest = held, [], 0, 0
        held.append(thing)
        widest, heaviest = max(widest, extent), max(heaviest, weight)
    if len(held) == 1 and size > 1:
        waiting, held = waiting + held, []
    yield from (each for each in (waiting, held) if each)


class _Pool:
    """Count, mean and sum of squared differences, per channel, of the inputs of a norm."""

    def __init__(self, norm: _BatchNorm) -> None:
        self.norm, self.before = norm, (norm.momentum, norm.training)
        self.count = self.batches = 0
        self.mean = torch.zeros(norm.num_features, dtype=torch.float64)
        self.squares = torch.zeros_like(self.mean)
        norm.momentum = 0.0  # its own running statistics stay unchanged
        self.hook = norm.register_forward_pre_hook(self._see, with_kwargs=True)

    def _see(self, norm: nn.Module, args: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
        x = args[0] if args else named["input"]
        count = x.numel() // max(x.shape[1], 1)
        norm.train(count > 1)  # one value alone has no variance to be divided by
        if count:
            self._add(x.to(torch.promote_types(x.dtype, torch.float32)), count)

    def _add(self, x: Tensor, count: int) -> None:
        variance, mean = torch.var_mean(x, [0, *range(2, x.ndim)], correction=0)
        apart = mean.cpu().double() - self.mean
        both = self.count + count
        self.mean += apart * (count / both)
        self.squares += variance.cpu().double() * count + apart.square() * (
            self.count * count / both
        )
        self.count, self.batches = both, self.batches + 1

    def settle(self) -> None:
        """Write the statistics into the norm, if they have a variance."""
        if self.count > 1:
            assert self.norm.running_mean is not None
            assert self.norm.running_var is not None
            assert self.norm.num_batches_tracked is not None
            self.norm.running_mean.copy_(self.mean)
            self.norm.running_var.copy_(self.squares / (self.count - 1))
            self.norm.num_batches_tracked.fill_(self.batches)

    def close(self) -> None:
        """Restore the norm's modes."""
        self.hook.remove()
        self.norm.momentum, training = self.before
        self.norm.train(training)


def _norms(encoder: Encoder) -> list[_BatchNorm]:
    return [
        module
        for module in encoder.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
